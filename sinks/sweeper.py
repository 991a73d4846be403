"""The sweeper: comments that stay in an open machine state too long are fed in again from Postgres.

It mends what at-least-once delivery cannot: a deleted topic, records that expired while a stage was away, a
fault nobody thought of. Guarantee: a comment is fed in at most `times` times, by one sweeper at a time (its
row is claimed), in one transaction with the outbox row that carries it; feeding in again changes no row that
is right and sends no second reply, as with any repeated record.

While any group has records that wait longer than usual, comments wait because of them, and nothing is swept.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from infra import logs, metrics
from infra.backlog import Backlog, open_backlog_reader
from infra.kafka import Message, message
from infra.postgres import NOW, Pool, transient
from infra.settings import Settings
from schemas import codec
from schemas.errors import EnvironmentFault, InvalidEventError, TransientError
from schemas.events import Source, utc_now
from schemas.states import OPEN_MACHINE
from schemas.topics import COMMENTS_RAW
from sinks import outbox
from sinks.post_sink import Clock, database_clock
from sinks.stored_comments import WORDING, comment_of

AT_ONCE: Final = 500
"""Most comments fed in again in one round."""

EVERY: Final = 30.0
"""Seconds between rounds, at most."""

_PATIENCE: Final = 60.0
"""Seconds that a record may wait before its group counts as behind, at most."""

_LOOK_WITHIN: Final = 60.0


# A row without a wording is known from other events only: no stage owes it anything.
_WAITS: Final = f"""
c.tenant_id = $2 and c.state = any ($3::text[]) and c.current_revision_id is not null
    and greatest(c.state_changed_at, c.swept_at) < {NOW} - make_interval(secs => $4)
"""
_MAY_SWEEP: Final = f"c.received_at > {NOW} - make_interval(secs => $5) and c.sweeps < $6"

_CLAIM: Final = f"""
with due as (
    select c.comment_id from comments c where {_WAITS} and {_MAY_SWEEP}
    order by c.received_at limit $7 for update skip locked
)
update comments c set swept_at = {NOW}, sweeps = c.sweeps + 1
from due, comment_revisions r
where c.comment_id = due.comment_id and r.revision_id = c.current_revision_id
returning {WORDING}
"""  # noqa: S608

_COUNT: Final = f"""
select count(*) filter (where {_MAY_SWEEP}) as late, count(*) filter (where not ({_MAY_SWEEP})) as stuck,
    min(c.received_at) as since, (array_agg(c.comment_id order by c.received_at))[1:3] as examples
from comments c where {_WAITS}
"""  # noqa: S608

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When comments are swept: seconds in a state, most times, greatest age in seconds (see the settings)."""

    after: float
    times: int
    max_age: float

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """The rules that the settings give."""
        return cls(after=settings.sweep_after, times=settings.sweep_times, max_age=settings.sweep_max_age)

    @property
    def patience(self) -> timedelta:
        """How long records may wait before the comments' waiting is explained by them."""
        return timedelta(seconds=min(_PATIENCE, self.after / 2))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Comments in an open machine state for too long: `late` will be swept, `stuck` need a person."""

    late: int
    stuck: int
    since: datetime | None
    examples: tuple[str, ...]


async def waiting(pool: Pool, tenant: str, rules: Rules, *, now: datetime | None = None) -> Waiting:
    """What stays in an open machine state too long; changes nothing. Raises what asyncpg raises."""
    row = await pool.fetchrow(
        _COUNT, now, tenant, sorted(OPEN_MACHINE), rules.after, rules.max_age, rules.times
    )
    assert row is not None  # noqa: S101  aggregates give a row
    return Waiting(row["late"], row["stuck"], row["since"], tuple(map(str, row["examples"] or ())))


class Sweeper:
    """Sweeps one tenant's comments; `run` until cancelled. `step` makes one round, for tests.

    `groups`: topics by consumer group; all of these can be the reason why comments wait.
    """

    def __init__(
        self,
        pool: Pool,
        bootstrap: str,
        groups: Mapping[str, Sequence[str]],
        rules: Rules,
        *,
        tenant: str = "default",
        clock: Clock = database_clock,
    ) -> None:
        self._pool = pool
        self._bootstrap = bootstrap
        self._groups = groups
        self._rules = rules
        self._tenant = tenant
        self._clock = clock
        self._codec = codec.load()
        self._held_by: list[str] = []

    async def run(self) -> None:
        """Sweeps until cancelled; holds out while Kafka or Postgres is away."""
        while True:
            await asyncio.sleep(min(EVERY, self._rules.after / 2))  # first: groups are still being made
            try:
                await self.step()
            except (TransientError, EnvironmentFault, TimeoutError) as error:
                log.warning("sweeping waits", error=str(error) or "no answer")

    async def step(self) -> int:
        """One round: looks at the groups, sets their metric, and sweeps if none is behind; gives how many."""
        async with asyncio.timeout(_LOOK_WITHIN):
            behind = await self._behind()
        if behind != self._held_by:
            self._held_by = behind
            if behind:
                log.info("comments wait because of groups that are behind", groups=behind)
        return 0 if behind else await self._sweep()

    async def _behind(self) -> list[str]:
        now = utc_now()
        async with open_backlog_reader(self._bootstrap) as reader:
            found = [
                each for group, topics in self._groups.items() for each in await reader.read(group, topics)
            ]
        for each in found:
            _measure(each, now)
        return sorted({each.group for each in found if each.older_than(self._rules.patience, now)})

    async def _sweep(self) -> int:
        rules = self._rules
        with transient():
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(
                    _CLAIM, self._clock(), self._tenant, sorted(OPEN_MACHINE), rules.after, rules.max_age,
                    rules.times, AT_ONCE,
                )  # fmt: skip
                await outbox.enqueue_records(
                    connection, [record for row in rows for record in self._record(row)]
                )
        for state, count in Counter(row["state"] for row in rows).items():
            metrics.SWEPT.labels(state).inc(count)
            log.warning("comments fed in again", state=state, count=count)
        return len(rows)

    def _record(self, row: Any) -> list[Message]:
        try:
            event = comment_of(row, Source.SWEEP)
            return [message(self._codec, COMMENTS_RAW, event.comment_id, event)]
        except (InvalidEventError, ValueError, KeyError, TypeError) as error:
            comment = str(row["comment_id"])
            log.error("a comment cannot be fed in again", comment=comment, error=type(error).__name__)
            return []


def _measure(backlog: Backlog, now: datetime) -> None:
    if backlog.lag and backlog.oldest is None:
        return  # unknown this time: the last value stays
    metrics.BACKLOG_SHARE.labels(backlog.group, backlog.topic).set(backlog.share(now))
