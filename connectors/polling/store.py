"""How the accounts are polled, in Postgres: whose turn it is, leases, how far each is, what checks found."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.accounts import Account
from infra import audit
from infra.postgres import Connection, Pool, transient
from schemas.arrival import Arrival
from schemas.events import Platform

LEASE: Final = timedelta(minutes=2)

_DUE: Final = """
with mine as (
    insert into account_polls (tenant_id, platform, account_id)
    select tenant_id, platform, account_id from social_accounts
    where tenant_id = $1 and token_ciphertext is not null
    on conflict do nothing
), due as (
    select p.tenant_id, p.platform, p.account_id from account_polls p
    join social_accounts a using (tenant_id, platform, account_id)
    where p.tenant_id = $1 and a.token_ciphertext is not null and a.status <> 'needs_auth'
        and (p.leased_until is null or p.leased_until < now())
        and (p.next_poll_at <= now() or a.token_stored_at > p.last_attempt_at)
    order by p.next_poll_at for update of p skip locked limit $3
)
update account_polls p set lease_holder = $2, leased_until = now() + $4::interval, last_attempt_at = now()
from due join social_accounts a using (tenant_id, platform, account_id)
where (p.tenant_id, p.platform, p.account_id) = (due.tenant_id, due.platform, due.account_id)
returning p.platform, p.account_id, a.username, a.arrival, p.backfill_since, p.backfill_marks,
    p.last_good_at
"""

_UNKNOWN_POSTS: Final = """
select distinct c.platform, c.account_id, a.username, c.platform_post_id from comments c
join social_accounts a using (tenant_id, platform, account_id)
where c.tenant_id = $1 and c.received_at > now() - interval '1 day' and c.platform_post_id is not null
    and a.token_ciphertext is not null and a.status <> 'needs_auth'
    and not exists (select from posts p where (p.tenant_id, p.platform, p.account_id, p.platform_post_id)
        = (c.tenant_id, c.platform, c.account_id, c.platform_post_id))
    and c.platform || ':' || c.account_id <> all ($2::text[])
    and c.platform || ':' || c.account_id || ':' || c.platform_post_id <> all ($2::text[])
limit 50
"""

_MARK: Final = """
update account_polls p set problem = $4, problem_reason = $5
from (select * from account_polls where tenant_id = $1 and platform = $2 and account_id = $3 for update) b
where (p.tenant_id, p.platform, p.account_id) = (b.tenant_id, b.platform, b.account_id)
    and b.problem is distinct from $4
returning b.problem is not null as had
"""


Stop = Callable[[Connection, Account, str], Awaitable[None]]
"""Stops an account for a reason until a person adds a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An account whose turn it is.

    `backfill_since`: the past that is wanted; `backfill_marks`: how much of it was published (`Marks.state`);
    `last_good_at`: when a poll last came to its end.
    """

    account: Account
    arrival: Arrival
    backfill_since: datetime | None
    backfill_marks: Mapping[str, str | None] | None
    last_good_at: datetime | None


class Store:
    """One tenant's; `name` is this poller's.

    Every call raises TransientError while Postgres is away.
    """

    def __init__(self, pool: Pool, tenant: str, name: str, *, stop: Stop) -> None:
        """`stop` is called within the transaction that notes a dead token or a missing right."""
        self._stop = stop
        self.pool = pool
        self.tenant = tenant
        self._name = name

    async def due(self, most: int) -> list[Due]:
        """Takes the leases of up to `most` accounts that are due."""
        with transient():
            rows = await self.pool.fetch(_DUE, self.tenant, self._name, most, LEASE)
        return [
            Due(
                account=self._account(row),
                arrival=Arrival(row["arrival"]),
                backfill_since=row["backfill_since"],
                backfill_marks=row["backfill_marks"],
                last_good_at=row["last_good_at"],
            )
            for row in rows
        ]

    async def keep(self, account: Account) -> None:
        """Prolongs a lease."""
        await self._execute(
            "update account_polls set leased_until = now() + $5::interval where tenant_id = $1 "
            "and platform = $2 and account_id = $3 and lease_holder = $4",
            account,
            self._name,
            LEASE,
        )

    async def done(
        self, account: Account, *, after: float, horizon: datetime | None, error: str | None
    ) -> None:
        """Gives the lease back; `after`: seconds until the next poll; `horizon`: None if this one failed."""
        await self._execute(
            "update account_polls set lease_holder = null, leased_until = null, "
            "next_poll_at = now() + make_interval(secs => $5), last_error = $6, "
            "last_good_at = case when $7::timestamptz is null then last_good_at else now() end, "
            "horizon_at = coalesce($7, horizon_at) where tenant_id = $1 and platform = $2 "
            "and account_id = $3 and lease_holder = $4",
            account,
            self._name,
            after,
            error,
            horizon,
        )

    async def backfill_reached(
        self, account: Account, since: datetime, marks: Mapping[str, str | None]
    ) -> None:
        """So much of what is wanted since then has been published; noted unless more is wanted by now."""
        await self._execute(
            "update account_polls set backfill_marks = $6 where tenant_id = $1 and platform = $2 "
            "and account_id = $3 and backfill_since = $4 and lease_holder = $5",
            account,
            since,
            self._name,
            marks,
        )

    async def backfilled(self, account: Account, since: datetime) -> None:
        """What was wanted of the past since then has been published; more may be wanted meanwhile."""
        await self._execute(
            "update account_polls set backfill_since = null, backfill_marks = null "
            "where tenant_id = $1 and platform = $2 and account_id = $3 and backfill_since >= $4",
            account,
            since,
        )

    async def mark(self, account: Account, problem: str | None, reason: str) -> bool:
        """Notes what a check found; True if that is new, and then with an audit row.

        A dead token or a missing right stops the account until a person adds a token.
        """
        place = (self.tenant, account.platform, account.account_id)
        with transient():
            async with self.pool.acquire() as connection, connection.transaction():
                changed = await connection.fetchrow(_MARK, *place, problem, reason[:500] or None)
                if changed is None:
                    return False
                if problem in ("auth", "permission"):
                    await self._stop(connection, account, reason[:500])
                action, subject = f"account.{problem or 'recovered'}", ":".join(("account", *place))
                await audit.write_down(connection, self.tenant, audit.BY_PARLEY, action, subject)
        return True

    async def problems(self) -> dict[tuple[str, str], int]:
        """How many accounts have a problem, by (platform, problem)."""
        with transient():
            rows = await self.pool.fetch(
                "select platform, problem, count(*) from account_polls "
                "where tenant_id = $1 and problem is not null group by 1, 2",
                self.tenant,
            )
        return {(row["platform"], row["problem"]): row["count"] for row in rows}

    async def unknown_posts(self, but: Sequence[str] = ()) -> list[tuple[Account, str]]:
        """Posts that comments of the last day name and nobody has fetched.

        `but`: accounts ("platform:id") and posts ("platform:account id:post id") that are left out.
        """
        with transient():
            rows = await self.pool.fetch(_UNKNOWN_POSTS, self.tenant, list(but))
        return [(self._account(row), row["platform_post_id"]) for row in rows]

    def _account(self, row: Any) -> Account:
        return Account(
            tenant_id=self.tenant,
            platform=Platform(row["platform"]),
            account_id=row["account_id"],
            username=row["username"],
        )

    async def _execute(self, statement: str, account: Account, *values: Any) -> None:
        with transient():
            await self.pool.execute(statement, self.tenant, account.platform, account.account_id, *values)
