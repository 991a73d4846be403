"""What the poster does beside sending: writes outcomes robustly, and minds what nobody else will touch again.

That is: attempts whose poster died become `unknown`; replies that waited too long expire; replies of the
account that nobody explained in time are its staff's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from infra import logs
from infra.postgres import AWAY, Connection, Pool
from schemas.codec import Codec
from sinks import facts, queueing, settling
from sinks.attempt import Verdict
from sinks.settling import Rules

_AT_ONCE: Final = 200

_DEAD_CLAIMS: Final = """
select * from reply_queue
where tenant_id = $2 and state = 'posting'
    and claimed_at < coalesce($1::timestamptz, clock_timestamp()) - make_interval(secs => $3)
order by claimed_at limit $4
"""

_OVERDUE: Final = """
select comment_id from (
    select comment_id from reply_queue
    where tenant_id = $2 and state = 'queued'
        and expires_at <= coalesce($1::timestamptz, clock_timestamp()) limit $4
) expired
union
select comment_id from (
    select comment_id from observed_replies
    where tenant_id = $2 and author is null
        and observed_at <= coalesce($1::timestamptz, clock_timestamp()) - make_interval(secs => $3) limit $4
) unexplained
"""

log = logs.get(__name__)


async def settle_all(
    pool: Pool, codec: Codec, verdicts: Sequence[Verdict], *, rules: Rules, now: datetime | None
) -> None:
    """Writes verdicts in one transaction; one that Postgres refuses is left to the lease and logged.

    Raises what asyncpg raises while the server is away; then nothing was written.
    """
    try:
        async with pool.acquire() as connection, connection.transaction():
            await settling.settle(connection, codec, verdicts, rules=rules, now=now)
    except AWAY:
        raise
    except Exception as error:
        if len(verdicts) == 1:
            log.exception("an outcome could not be written", decision=str(verdicts[0].row["decision_id"]))
            return
        log.warning("writing outcomes one by one", error=str(error))
        for verdict in verdicts:
            await settle_all(pool, codec, [verdict], rules=rules, now=now)


async def keep_up(pool: Pool, codec: Codec, tenant: str, *, rules: Rules, now: datetime | None) -> None:
    """One round of what is described above, a few hundred rows at most."""
    async with pool.acquire() as connection:
        await _open_buckets(connection, tenant, now)
        dead = await connection.fetch(_DEAD_CLAIMS, now, tenant, rules.lease, _AT_ONCE)
        overdue = await connection.fetch(_OVERDUE, now, tenant, rules.grace, _AT_ONCE)
        if overdue:
            comments = sorted(str(row["comment_id"]) for row in overdue)
            async with connection.transaction():
                await facts.lock(connection, comments)
                await queueing.cancel(connection, codec, comments, now=now, grace=rules.grace)
                await facts.refresh(connection, comments)
    if dead:
        log.warning("attempts whose poster died are looked up", count=len(dead))
        reason = "its poster died; nobody knows whether it was sent"
        verdicts = [Verdict(row=row, state="unknown", reason=reason) for row in dead]
        await settle_all(pool, codec, verdicts, rules=rules, now=now)


async def _open_buckets(connection: Connection, tenant: str, now: datetime | None) -> None:
    """Gives accounts that have none a token bucket with one token."""
    await connection.execute(
        "insert into reply_pace (tenant_id, platform, account_id, filled_at)"
        " select tenant_id, platform, account_id, coalesce($1::timestamptz, clock_timestamp())"
        " from social_accounts a where tenant_id = $2 and not exists (select from reply_pace p"
        " where (p.tenant_id, p.platform, p.account_id) = (a.tenant_id, a.platform, a.account_id))"
        " on conflict do nothing",
        now,
        tenant,
    )
