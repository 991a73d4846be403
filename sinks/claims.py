"""What the poster may send now: accounts with work and budget, and rows claimed for sending or looking up.

The claim is one statement: it reads the account's lease, its switches and its token bucket, takes the most
valuable rows, and marks them `posting` with an attempt. Rows that others hold are left for next time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from infra.postgres import NOW, Connection
from sinks.queueing import FATE, OF_ONE_BURST

# A bucket holds one token and what one second gives: replies leave evenly, and a claim that comes a little
# late loses nothing.
_RATE: Final = "a.replies_per_minute / 60"
_TOKENS: Final = (
    f"least(1 + {_RATE}, p.tokens"
    f" + greatest(0, extract(epoch from {NOW} - p.filled_at)::double precision) * {_RATE})"
)

_SLOWED: Final = _TOKENS.replace(_RATE, f"({_RATE} * $8)")

WORKING: Final = f"""
a.tenant_id = $2 and a.status = 'active' and a.may_reply and a.mode <> 'observe'
    and a.token_ciphertext is not null and a.replies_per_minute > 0
    and not is_quiet(a.time_zone, a.quiet_from, a.quiet_until, {NOW})
    and not exists (select from posting_pauses w where w.tenant_id = $2)
"""
"""Paused, quiet, blocked and unauthorised accounts, and those that only watch, send nothing.

$1: now, $2: tenant."""

# In review mode only what a person approved is sent; what the machine approved waits, or expires.
_MAY_SEND: Final = f"""
{{q}}.state = 'queued' and {{q}}.not_before <= {NOW}
    and ({{q}}.expires_at is null or {{q}}.expires_at > {NOW})
    and ({{mode}} = 'auto' or {{q}}.decided_by = 'person')
"""

_MODE: Final = "(select mode from pace)"

# The form in which texts are compared on the platform (`schemas.identity.normalised_text`).
_SAYS: Final = r"btrim(regexp_replace(normalize({q}.text), '\s+', ' ', 'g'))"

# Two replies of one thread that say the same could not be told apart if both were in doubt, so the second
# waits until it is known what became of the first ($9: seconds until what was given up cannot show any more).
# One that was in doubt, and is to be sent once more, goes before those that never were: it may still show.
# Of one author's burst the most valuable is answered first; with it the others may be answered too.
_NOTHING_AHEAD: Final = f"""
not exists (
    select from reply_queue o
    where o.platform = q.platform and o.account_id = q.account_id and o.thread_id = q.thread_id
        and o.comment_id <> q.comment_id
        and case
            when o.state in ('posting', 'unknown')
                or (o.uncertain > 0 and o.reply_id is null
                    and o.settled_at > {NOW} - make_interval(secs => $9))
                or (o.state = 'queued' and o.uncertain > 0 and q.uncertain = 0
                    and coalesce(o.absent_since, o.claimed_at) > {NOW} - make_interval(secs => 2 * $9))
                or ({_MAY_SEND.format(q="o", mode=_MODE)}
                    and (o.uncertain > 0, o.priority, q.enqueued_at, q.decision_id)
                        > (q.uncertain > 0, q.priority, o.enqueued_at, o.decision_id))
            then {_SAYS.format(q="o")} = {_SAYS.format(q="q")}
        end
) and not exists (
    select from reply_queue o join comments oc using (comment_id)
    where {OF_ONE_BURST} and o.state in ('queued', 'posting', 'unknown')
)
"""  # noqa: S608

_READY: Final = f"""
select a.tenant_id, a.platform, a.account_id, a.token_ciphertext, a.token_key_id, p.lease_epoch,
    greatest(0, extract(epoch from p.held_until - {NOW})::double precision,
        (1 - {_TOKENS}) / nullif({_RATE}, 0)) as wait,
    {WORKING} and exists (
        select from reply_queue q
        where (q.tenant_id, q.platform, q.account_id) = (a.tenant_id, a.platform, a.account_id)
            and {_MAY_SEND.format(q="q", mode="a.mode")}
    ) as has_queued,
    60 / nullif(a.replies_per_minute, 0) as every,
    a.status <> 'needs_auth' and exists (
        select from reply_queue q
        where (q.tenant_id, q.platform, q.account_id) = (a.tenant_id, a.platform, a.account_id)
            and q.state = 'unknown' and q.not_before <= {NOW}
            and (p.held_until is null or p.held_until <= {NOW})
    ) as has_unknown
from social_accounts a join reply_pace p using (tenant_id, platform, account_id)
where a.tenant_id = $2 and a.token_ciphertext is not null
    and p.lease_holder = $3 and p.leased_until > {NOW}
"""  # noqa: S608

_FRONT: Final = 1000
"""Waiting replies of an account that a claim looks at. Those that may not leave end, or leave, in minutes."""

# The rows are walked in the order of their index until enough are found that may leave; each is looked at by
# itself (lateral, and `offset 0` keeps it so). Without the limits the planner looks at all, and sorts them.
_CLAIM: Final = f"""
with pace as materialized (
    select p.tenant_id, p.platform, p.account_id, p.lease_epoch, a.mode, {_SLOWED} as tokens, {NOW} as at
    from social_accounts a join reply_pace p using (tenant_id, platform, account_id)
    where {WORKING} and a.platform = $3 and a.account_id = $4
        and p.lease_holder = $6 and p.lease_epoch = $7 and p.leased_until > {NOW}
        and (p.held_until is null or p.held_until <= {NOW})
    for update of p
), best as materialized (
    select q.decision_id
    from (
        select q.* from reply_queue q
        where q.tenant_id = $2 and q.platform = $3 and q.account_id = $4 and exists (select from pace)
            and {_MAY_SEND.format(q="q", mode=_MODE)}
        order by q.priority desc, q.enqueued_at, q.decision_id limit {_FRONT}
    ) q cross join lateral (
        select from comments c
        where c.comment_id = q.comment_id and ({FATE}) is null and {_NOTHING_AHEAD} offset 0
    ) may_leave
    order by q.priority desc, q.enqueued_at, q.decision_id
    limit (select least(floor(tokens), $5) from pace)
), picked as (
    select q.decision_id
    from best join reply_queue q using (decision_id) join comments c using (comment_id)
    where q.state = 'queued'
    for update of q, c skip locked
), claimed as (
    update reply_queue q set state = 'posting', reason = 'being posted', attempts = q.attempts + 1,
        claimed_by = $6, claimed_at = {NOW}, lease_epoch = $7, sending_at = null
    from picked where q.decision_id = picked.decision_id
    returning q.*
), tried as (
    insert into reply_attempts (decision_id, number, started_at)
    select decision_id, attempts, claimed_at from claimed
), paid as (
    update reply_pace p set tokens = a.tokens - (select count(*) from claimed), filled_at = a.at
    from pace a
    where (p.tenant_id, p.platform, p.account_id) = (a.tenant_id, a.platform, a.account_id)
        and exists (select from claimed)
)
select * from claimed order by priority desc, enqueued_at, decision_id
"""  # noqa: S608

_CLAIM_LOOKUPS: Final = f"""
update reply_queue q set not_before = {NOW} + make_interval(secs => $5)
from (
    select decision_id from reply_queue
    where tenant_id = $2 and platform = $3 and account_id = $4 and state = 'unknown' and not_before <= {NOW}
    order by not_before limit $6 for update skip locked
) due
where q.decision_id = due.decision_id
returning q.*
"""  # noqa: S608


_TRIED: Final = f"""
select decision_id, comment_id, thread_id, reply_id, text, uncertain,
    extract(epoch from {NOW} - settled_at)::double precision as settled_for
from reply_queue
where platform = $2 and account_id = $3 and (thread_id = any ($4::text[]) or comment_id = any ($5::uuid[]))
    and attempts > 0
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Ready:
    """An account with something to do, and the epoch of the lease it is held under.

    `wait`: seconds until its budget allows the next reply. `every`: seconds between replies at its budget.
    """

    platform: str
    account_id: str
    token: bytes
    token_key_id: str
    epoch: int
    wait: float
    every: float
    has_queued: bool
    has_unknown: bool


async def ready(connection: Connection, tenant: str, poster: str, now: datetime | None) -> list[Ready]:
    """Accounts that this poster holds and that have replies to send or to look up."""
    rows = await connection.fetch(_READY, now, tenant, poster)
    return [
        Ready(
            platform=row["platform"],
            account_id=row["account_id"],
            token=row["token_ciphertext"],
            token_key_id=row["token_key_id"] or "",
            epoch=row["lease_epoch"],
            wait=row["wait"],
            every=row["every"] or 0.0,
            has_queued=row["has_queued"],
            has_unknown=row["has_unknown"],
        )
        for row in rows
        if row["has_queued"] or row["has_unknown"]
    ]


async def claim(
    connection: Connection,
    tenant: str,
    account: Ready,
    *,
    slots: int,
    poster: str,
    slowed: float,
    settle_after: float,
    now: datetime | None,
) -> list[asyncpg.Record]:
    """Rows of the queue, now `posting`, most valuable first; at most `slots`, and what the budget allows.

    `slowed`: the share of its budget that the account uses now, 0 to 1. `settle_after`: seconds after which
    what was in doubt and given up cannot show any more. Empty where the lease is no longer this poster's.
    The caller refreshes the comments' states and commits before the first call to the platform.
    """
    arguments: tuple[Any, ...] = (now, tenant, account.platform, account.account_id, slots, poster)
    arguments += (account.epoch, slowed, settle_after)
    return await connection.fetch(_CLAIM, *arguments)


async def claim_lookups(
    connection: Connection, tenant: str, account: Ready, *, slots: int, again: float, now: datetime | None
) -> list[asyncpg.Record]:
    """Rows in state `unknown` that are due; nobody else looks them up within `again` seconds."""
    arguments: tuple[Any, ...] = (now, tenant, account.platform, account.account_id, again, slots)
    return await connection.fetch(_CLAIM_LOOKUPS, *arguments)


async def tried_in_threads(
    connection: Connection, rows: Sequence[asyncpg.Record], *, now: datetime | None
) -> Mapping[Any, list[asyncpg.Record]]:
    """By decision: all rows that were ever tried for its comment or in its thread; see `sinks.ours`."""
    if not rows:
        return {}
    threads, comments = ({row[name] for row in rows} for name in ("thread_id", "comment_id"))
    account = (rows[0]["platform"], rows[0]["account_id"])
    tried = await connection.fetch(_TRIED, now, *account, list(threads), list(comments))
    return {
        row["decision_id"]: [
            each
            for each in tried
            if each["thread_id"] == row["thread_id"] or each["comment_id"] == row["comment_id"]
        ]
        for row in rows
    }
