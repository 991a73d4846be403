"""The notifier: keeps deadlines, opens and closes notices, and delivers them, beside every stage's way.

One notifier works at a time, by an advisory lock. A notice is delivered at least once on each channel,
several together; what fails is tried again with growing pauses for a day.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, Final

from infra import logs, metrics
from infra.postgres import Connection, Pool, transient
from schemas.errors import TransientError
from sinks import deadlines, notices
from sinks.channels import Channel, Notice
from sinks.deadlines import Deadlines

EVERY: Final = 2.0
AT_ONCE: Final = 500
"""Notices of one message: thousands of escalations must not become hundreds of mails."""

WITHIN: Final = 30.0
"""Seconds that a channel may take; deadlines wait for it."""

_LONGEST_PAUSE: Final = 600.0
_GIVEN_UP_AFTER: Final = "1 day"
_LOCK: Final = "select pg_try_advisory_xact_lock(hashtext('parley notifier ' || $1))"

_DUE: Final = f"""
select n.notice_id, n.kind, n.subject, n.details, n.opened_at, coalesce(d.attempts, 0) as attempts
from notices n left join notice_deliveries d on d.notice_id = n.notice_id and d.channel = $2
where n.tenant_id = $1 and d.delivered_at is null and n.opened_at > now() - interval '{_GIVEN_UP_AFTER}'
    and coalesce(d.next_at, '-infinity') <= clock_timestamp()
order by n.notice_id limit {AT_ONCE}
"""  # noqa: S608

_NOTE: Final = """
insert into notice_deliveries as d (notice_id, channel, attempts, next_at, delivered_at, error)
select id, $2, 1, clock_timestamp() + make_interval(secs => $3),
    case when $4::text is null then clock_timestamp() end, $4
from unnest($1::bigint[]) id
on conflict (notice_id, channel) do update set attempts = d.attempts + 1, next_at = excluded.next_at,
    delivered_at = excluded.delivered_at, error = excluded.error
"""

log = logs.get(__name__)


class Notifier:
    """Runs beside the poster; `step` makes one round, for tests."""

    def __init__(
        self,
        pool: Pool,
        tenant: str,
        limits: Deadlines,
        channels: Sequence[Channel],
        *,
        within: float = WITHIN,
    ) -> None:
        self._pool = pool
        self._tenant = tenant
        self._limits = limits
        self._channels = channels
        self._within = within

    async def run(self) -> None:
        """Works until cancelled; while Postgres is away it waits."""
        while True:
            try:
                await self.step()
            except TransientError as error:
                log.warning("notices wait", error=str(error))
            await asyncio.sleep(EVERY)

    async def step(self) -> None:
        """One round; does nothing where another notifier is at work. Raises TransientError."""
        with transient():
            async with self._pool.acquire() as connection, connection.transaction():
                if not await connection.fetchval(_LOCK, self._tenant):
                    return
                await deadlines.keep(connection, self._tenant, self._limits)
                await notices.refresh(connection, self._tenant)
            # A savepoint each would not do: a delivery must be on record even if the next one fails.
            for channel in self._channels:
                async with self._pool.acquire() as connection, connection.transaction():
                    if await connection.fetchval(_LOCK, self._tenant):
                        await self._deliver(connection, channel)

    async def _deliver(self, connection: Connection, channel: Channel) -> None:
        rows = await connection.fetch(_DUE, self._tenant, channel.name)
        if not rows:
            return
        ids, problem = [row["notice_id"] for row in rows], None
        try:
            async with asyncio.timeout(self._within):
                await channel.send([_notice(row) for row in rows])
        except Exception as error:  # noqa: BLE001 - whatever a channel does, the poster beside it goes on
            # Only our own words are kept: others may hold addresses or secrets.
            problem = str(error) if isinstance(error, TransientError) else f"failed: {type(error).__name__}"
            log.warning(
                "notices could not be delivered", channel=channel.name, number=len(ids), error=problem
            )
        attempts = min(row["attempts"] for row in rows)
        pause = min(_LONGEST_PAUSE, 2.0 ** min(attempts + 1, 12)) * random.uniform(0.75, 1)  # noqa: S311
        await connection.execute(_NOTE, ids, channel.name, pause, problem)
        metrics.NOTICES.labels(channel.name, "failed" if problem else "delivered").inc(len(ids))


def _notice(row: Any) -> Notice:
    return {
        "notice_id": row["notice_id"],
        "kind": row["kind"],
        "subject": row["subject"],
        "details": row["details"],
        "opened_at": row["opened_at"].isoformat(),
    }
