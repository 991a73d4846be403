"""What the poster does beside sending: writes outcomes robustly, and minds what nobody else will touch again.

That is: attempts whose poster died become `unknown`, or wait again where they had not been sent; replies
that waited too long expire; replies of the account that nobody explained in time are its staff's; what was
answered with another comment of its author ends; blocked accounts that have cooled down go on.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from infra import logs
from infra.postgres import AWAY, NOW, Connection, Pool
from schemas.codec import Codec
from sinks import accounting, facts, gauges, queueing, settling
from sinks.attempt import Verdict
from sinks.queueing import OF_ONE_BURST
from sinks.settling import Rules

_AT_ONCE: Final = 200

# A claim ends with the lease it was made under and the call that it sent: a dead poster's lease ends before
# its call, which the platform may still be at. A row that was never released to be sent was not sent; one
# without an epoch was claimed before there were leases.
_DEAD_CLAIMS: Final = f"""
select q.*, q.sending_at is null and q.lease_epoch is not null as unsent from reply_queue q
where q.tenant_id = $2 and q.state = 'posting' and (
    q.claimed_at < {NOW} - make_interval(secs => $3)
    or (q.lease_epoch is not null
        and (q.sending_at is null or q.sending_at < {NOW} - make_interval(secs => $5))
        and not exists (
        select from reply_pace p
        where (p.tenant_id, p.platform, p.account_id) = (q.tenant_id, q.platform, q.account_id)
            and p.lease_epoch = q.lease_epoch
            and p.leased_until > {NOW})))
order by q.claimed_at limit $4
"""  # noqa: S608

_OVERDUE: Final = f"""
select comment_id from (
    select comment_id from reply_queue
    where tenant_id = $2 and state = 'queued'
        and expires_at <= {NOW} limit $4
) expired
union
select comment_id from (
    select comment_id from observed_replies
    where tenant_id = $2 and author is null
        and observed_at <= {NOW} - make_interval(secs => $3) limit $4
) unexplained
union
select comment_id from (
    select q.comment_id from reply_queue q join comments c using (comment_id)
    join reply_queue o on o.platform = q.platform and o.account_id = q.account_id
        and o.author_id = q.author_id and o.thread_id = q.thread_id
    join comments oc on oc.comment_id = o.comment_id
    where {OF_ONE_BURST} and q.tenant_id = $2 and q.state = 'queued' and o.state = 'posted'
        and c.created_at < o.settled_at limit $4
) answered
"""  # noqa: S608

_OPEN_BUCKETS: Final = f"""
insert into reply_pace (tenant_id, platform, account_id, filled_at)
select tenant_id, platform, account_id, {NOW} from social_accounts a
where tenant_id = $2 and not exists (
    select from reply_pace p
    where (p.tenant_id, p.platform, p.account_id) = (a.tenant_id, a.platform, a.account_id))
on conflict do nothing
"""  # noqa: S608

_UNSENT: Final = partial(Verdict, state="queued", reason="its poster stopped before it was sent", unused=True)
_LOST: Final = partial(Verdict, state="unknown", reason="its poster died; nobody knows whether it was sent")

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
        async with connection.transaction():
            await accounting.end_cool_downs(connection, codec, tenant, now)
        await gauges.measure(connection, tenant, now)
        dead = await connection.fetch(_DEAD_CLAIMS, now, tenant, rules.lease, _AT_ONCE, rules.call)
        overdue = await connection.fetch(_OVERDUE, now, tenant, rules.grace, _AT_ONCE)
        if overdue:
            comments = sorted(str(row["comment_id"]) for row in overdue)
            async with connection.transaction():
                await facts.lock(connection, comments)
                await queueing.cancel(connection, codec, comments, now=now, grace=rules.grace)
                await facts.refresh(connection, comments)
    if dead:
        verdicts = [_UNSENT(row=row) if row["unsent"] else _LOST(row=row) for row in dead]
        lost = sum(not row["unsent"] for row in dead)
        log.warning("claims whose poster is gone", to_be_looked_up=lost, never_sent=len(dead) - lost)
        await settle_all(pool, codec, verdicts, rules=rules, now=now)


async def _open_buckets(connection: Connection, tenant: str, now: datetime | None) -> None:
    """Gives accounts that have none a token bucket with one token."""
    await connection.execute(_OPEN_BUCKETS, now, tenant)
