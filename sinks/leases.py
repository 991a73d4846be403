"""Which accounts this poster drains: leases in Postgres, one holder an account, shared out fairly.

Guarantee: two posters never both believe in a lease on one account. Postgres gives it by its own clock; the
holder counts from when it asked, by its own clocks, so it stops believing no later than Postgres does, also
after it was stopped (SIGSTOP) or its machine slept. A dead poster believes in nothing any more: where one of
the same machine sees that (`sinks.posters`), its leases end at once. A lease that ran out is never revived:
whoever takes the account next, the same poster too, does so under a new epoch.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from infra import logs, metrics
from infra.postgres import NOW, Connection, Pool
from sinks.posters import is_dead

Place = tuple[str, str]
"""Platform and account id."""


_ALIVE: Final = f"""
with gone as (delete from reply_posters where tenant_id = $2 and alive_until <= {NOW} and poster <> $3)
insert into reply_posters (tenant_id, poster, alive_until)
values ($2, $3, {NOW} + make_interval(secs => $4))
on conflict (tenant_id, poster) do update set alive_until = excluded.alive_until
"""  # noqa: S608

_OTHERS: Final = f"""
select poster from reply_posters where tenant_id = $2 and poster <> $3 and alive_until > {NOW}
"""  # noqa: S608

_BURY: Final = f"""
with dead as (delete from reply_posters where tenant_id = $2 and poster = any ($3))
update reply_pace set leased_until = {NOW}
where tenant_id = $2 and lease_holder = any ($3) and leased_until > {NOW}
"""  # noqa: S608

_RENEW: Final = f"""
update reply_pace set leased_until = {NOW} + make_interval(secs => $4)
where tenant_id = $2 and lease_holder = $3 and leased_until > {NOW}
returning platform, account_id, lease_epoch
"""  # noqa: S608

# Rounded up, so that every account has a holder whatever the number of posters.
_SHARE: Final = f"""
select ceil(count(*)::float8 / greatest(1, (
    select count(*) from reply_posters where tenant_id = $2 and alive_until > {NOW})))::int
from reply_pace join social_accounts a using (tenant_id, platform, account_id)
where tenant_id = $2 and a.token_ciphertext is not null
"""  # noqa: S608

_TAKE: Final = f"""
update reply_pace p set lease_holder = $3, lease_epoch = p.lease_epoch + 1,
    leased_until = {NOW} + make_interval(secs => $4)
from (
    select p.platform, p.account_id
    from reply_pace p join social_accounts a using (tenant_id, platform, account_id)
    where p.tenant_id = $2 and a.token_ciphertext is not null
        and (p.leased_until is null or p.leased_until <= {NOW})
    order by p.leased_until nulls first limit $5 for update of p skip locked
) free
where p.tenant_id = $2 and p.platform = free.platform and p.account_id = free.account_id
returning p.platform, p.account_id, p.lease_epoch
"""  # noqa: S608

_RELEASE: Final = """
update reply_pace p set lease_holder = null, leased_until = null
from unnest($3::text[], $4::text[], $5::bigint[]) as mine (platform, account_id, epoch)
where p.tenant_id = $1 and p.lease_holder = $2
    and (p.platform, p.account_id, p.lease_epoch) = (mine.platform, mine.account_id, mine.epoch)
"""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Lease:
    """`until` by the monotonic clock, `until_wall` by the wall clock: the earlier counts."""

    epoch: int
    until: float
    until_wall: float


class Leases:
    """One poster's leases. `seconds`: how long one lasts, more than a whole attempt to send can take."""

    def __init__(
        self,
        poster: str,
        tenant: str,
        *,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.poster = poster
        self.seconds = seconds
        self._tenant = tenant
        self._monotonic = monotonic
        self._wall = wall
        self._held: dict[Place, _Lease] = {}

    def epoch(self, place: Place, *, lasting: float = 0.0) -> int | None:
        """The epoch under which the account is ours for at least `lasting` more seconds, else None."""
        lease = self._held.get(place)
        if (
            lease is None
            or self._monotonic() + lasting >= lease.until
            or self._wall() + lasting >= lease.until_wall
        ):
            return None
        return lease.epoch

    async def keep(self, pool: Pool, now: datetime | None, *, busy: Collection[Place]) -> None:
        """Says that this poster lives, renews what it holds, and gives or takes to come to its share.

        Accounts in `busy` are not given up. Raises what asyncpg raises; then what is held just runs out.
        """
        asked, asked_wall = self._monotonic(), self._wall()
        async with pool.acquire() as connection, connection.transaction():
            who = (now, self._tenant, self.poster)
            await connection.execute(_ALIVE, *who, self.seconds)
            others = [row["poster"] for row in await connection.fetch(_OTHERS, *who)]
            if dead := [poster for poster in others if is_dead(poster)]:
                await connection.execute(_BURY, now, self._tenant, dead)
            rows = await connection.fetch(_RENEW, *who, self.seconds)
            share = await connection.fetchval(_SHARE, now, self._tenant)
            if len(rows) > share:
                spare = {(row["platform"], row["account_id"]): row["lease_epoch"] for row in rows}
                surplus = [place for place in spare if place not in busy][: len(rows) - share]
                for place in surplus:
                    self._held.pop(place, None)
                await self._give(connection, {place: spare[place] for place in surplus})
                rows = [row for row in rows if (row["platform"], row["account_id"]) not in surplus]
            elif len(rows) < share:
                rows += await connection.fetch(_TAKE, *who, self.seconds, share - len(rows))
        until, until_wall = asked + self.seconds, asked_wall + self.seconds
        held = {
            (row["platform"], row["account_id"]): _Lease(row["lease_epoch"], until, until_wall)
            for row in rows
        }
        for place in self._held.keys() - held.keys():
            log.info("an account is another poster's now", account=place)
        self._held = held
        metrics.POSTING_LEASES.set(len(held))

    async def release(self, pool: Pool) -> None:
        """Gives everything up, so that others need not wait until it has run out."""
        held, self._held = self._held, {}
        async with pool.acquire() as connection, connection.transaction():
            await self._give(connection, {place: lease.epoch for place, lease in held.items()})
            await connection.execute(
                "delete from reply_posters where tenant_id = $1 and poster = $2", self._tenant, self.poster
            )

    async def _give(self, connection: Connection, epochs: dict[Place, int]) -> None:
        places = list(epochs)
        await connection.execute(
            _RELEASE,
            self._tenant,
            self.poster,
            [platform for platform, _ in places],
            [account for _, account in places],
            list(epochs.values()),
        )
