"""The reply queue's way in, and the ways out of it that need no call to a platform.

Lock order everywhere: the comment's row, then its rows of the queue. The unique index one_reply_per_comment
refuses a second live row, whatever the code here believes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from infra import metrics
from infra.postgres import NOW, Connection
from schemas.codec import Codec
from sinks import observed, outbox
from sinks.attempt import ANSWERED

CHANNEL: Final = "parley_replies"
"""Notified when replies were queued."""

REPLAYED: Final = "replayed without leave to post"
HAS_REPLY: Final = "the comment has a reply already"

LIVE: Final = "('queued', 'posting', 'posted', 'unknown')"
"""States of which a comment may have one row only: `schemas.states.HOLDS_REPLY`."""

HELD: Final = f"""
exists (
    select from reply_queue held where held.comment_id = q.comment_id and held.decision_id <> q.decision_id
        and held.state in {LIVE})
"""
"""Another live row has the comment of row `q`."""

BURST: Final = 600
"""Seconds within which comments that one author writes in one thread get one reply."""

ONE_FOR_ALL: Final = "answered with another comment that its author wrote in this thread"

OF_ONE_BURST: Final = f"""
o.platform = q.platform and o.account_id = q.account_id and o.author_id = q.author_id
    and o.thread_id = q.thread_id and o.comment_id <> q.comment_id
    and o.decided_by = 'machine' and q.decided_by = 'machine'
    and abs(extract(epoch from oc.created_at - c.created_at)) <= {BURST}
    and (o.priority, oc.created_at, o.decision_id) > (q.priority, c.created_at, q.decision_id)
"""
"""Row `o` of comment `oc` is worth more than row `q` of comment `c`, and belongs to the same burst."""

# Scalar, because the planner would hash whole tables for "exists".
FATE: Final = f"""
case
    when c.removed_at is not null then array['removed', 'removed on the platform']
    when (
            select true from observed_replies o
            where o.comment_id = c.comment_id and o.author = 'staff' limit 1)
        then array['answered_elsewhere', 'answered by the account''s own staff']
    when c.current_revision_id <> q.revision_id then array['superseded', 'the comment was edited']
    when q.decided_by = 'machine' and (
            select true from decisions d
            where d.comment_id = q.comment_id  -- the index that serves this
                and d.revision_id = q.revision_id and d.decided_by = 'person' and not d.is_spent limit 1)
        then array['superseded', 'a person decided']
    when exists (
            select from reply_queue o join comments oc using (comment_id)
            where {OF_ONE_BURST} and o.state = 'posted' and c.created_at < o.settled_at)
        then array['superseded', '{ONE_FOR_ALL}']
    when q.expires_at <= {NOW} then array['expired', 'waited too long']
end"""  # noqa: S608
"""Why the row `q` of comment `c` must not be sent any more: {state, reason}, or null if it may. $1: now."""

_CANCEL: Final = f"""
update reply_queue q
set state = f.fate[1], reason = f.fate[2], settled_at = {NOW}
from (
    select q.decision_id, {FATE} as fate from reply_queue q join comments c using (comment_id)
    where q.comment_id = any ($2::uuid[]) and q.state = 'queued'
) f
where q.decision_id = f.decision_id and q.state = 'queued' and f.fate is not null
returning q.*, q.settled_at as at
"""  # noqa: S608

# Rows that a replay without leave left behind give way when the same decision comes with leave.
_FORGET_REPLAYED: Final = """
delete from reply_queue q using in_batch b
where b.what = 'decision' and b.posting_allowed and q.decision_id = b.decision_id
    and q.state = 'not_allowed' and q.reason = $1
"""

_INSERT: Final = f"""
with wanted as (
    select b.*, row_number() over (
        partition by b.comment_id
        order by (b.decided_by = 'person') desc, b.decided_at desc, b.decision_id) as place
    from (
        select distinct on (decision_id) * from in_batch
        where what = 'decision' and action in ('approve', 'auto_approve')
        order by decision_id, posting_allowed desc
    ) b
    join decisions d on d.decision_id = b.decision_id  -- kept as the first of its kind
), judged as (
    select q.*, coalesce({FATE}, case
        when not q.posting_allowed then array['not_allowed', $2]
        when q.place > 1 or {HELD} then array['superseded', $3]
        else array['queued', q.reason]
    end) as fate
    from wanted q join comments c using (comment_id)
)
insert into reply_queue (
    decision_id, comment_id, revision_id, draft_id, tenant_id, platform, account_id, platform_comment_id,
    platform_post_id, thread_id, author_id, text, decided_by, priority, expires_at, state, reason,
    traceparent, not_before, enqueued_at, settled_at)
select decision_id, comment_id, revision_id, draft_id, tenant_id, platform, account_id, platform_comment_id,
    platform_post_id, thread_id, author_id, text, decided_by, priority, expires_at, fate[1], fate[2],
    traceparent, {NOW}, {NOW}, case when fate[1] <> 'queued' then {NOW} end
from judged order by comment_id, place
on conflict do nothing
returning *, settled_at as at
"""  # noqa: S608

# What waits or is in doubt gives way to another reply to its comment that is on the platform. What is being
# posted does not: its own verdict tells whether it was sent.
_GIVE_WAY: Final = f"""
update reply_queue q set state = 'superseded', reason = $3, claimed_by = null,
    settled_at = {NOW}
from reply_queue seen
where seen.decision_id = any ($2::uuid[]) and q.comment_id = seen.comment_id
    and q.decision_id <> all ($2::uuid[]) and q.state in ('queued', 'unknown')
returning q.*, q.settled_at as at
"""  # noqa: S608

_SETTLE_POSTED: Final = f"""
update reply_queue q set state = 'posted', reason = 'seen on the platform', reply_id = p.reply_id,
    settled_at = {NOW}
from (
    select distinct on (t.comment_id) t.decision_id, p.reply_id
    from unnest($2::uuid[], $3::text[]) as p (decision_id, reply_id) join reply_queue t using (decision_id)
    order by t.comment_id, t.state in {LIVE} desc, t.uncertain desc
) p
where q.decision_id = p.decision_id and q.state <> 'posted' and not {HELD}
returning q.*, q.settled_at as at
"""  # noqa: S608

_CLOSE_REVIEWS: Final = f"""
update review_items set closed_at = {NOW}
where revision_id = any ($2::uuid[]) and cause = 'unsent' and closed_at is null
"""  # noqa: S608

# A person's approval that found the machine's reply under way, which then came to nothing.
_REVIVE: Final = f"""
update reply_queue q
set state = 'queued', reason = 'approved by a person', settled_at = null,
    not_before = {NOW}
from (
    select distinct on (q.comment_id) q.decision_id, {FATE} as fate
    from reply_queue q join comments c using (comment_id) join decisions d using (decision_id)
    where q.comment_id = any ($2::uuid[]) and q.state = 'superseded' and q.reason = $3
        and q.decided_by = 'person' and not d.is_spent and not {HELD}
    order by q.comment_id, d.decided_at desc
) f
where q.decision_id = f.decision_id and f.fate is null
"""  # noqa: S608


# A removed comment that is there again, and whose reply has ended: people are asked, once.
_THERE_AGAIN: Final = f"""
insert into review_items as i (
    revision_id, comment_id, draft_id, tenant_id, cause, level, reason, priority, created_at)
select distinct on (q.revision_id) q.revision_id, q.comment_id, q.draft_id, q.tenant_id, 'unsent',
    'moderator', 'was removed, and is there again; its reply was not sent', d.priority, {NOW}
from reply_queue q join comments c using (comment_id) join decisions d using (decision_id)
where q.comment_id = any ($2::uuid[]) and q.state = 'removed' and c.removed_at is null
    and c.current_revision_id = q.revision_id and not {HELD}
order by q.revision_id, q.decided_by = 'person' desc
on conflict (revision_id) do update set cause = 'unsent', reason = excluded.reason, closed_at = null,
    draft_id = coalesce(i.draft_id, excluded.draft_id)
where i.cause = 'decision'
"""  # noqa: S608


async def cancel(
    connection: Connection, codec: Codec, comments: Sequence[str], *, now: datetime | None, grace: float
) -> None:
    """Ends waiting replies of these comments that must not go out any more, and settles those seen posted.

    Within the caller's transaction, which holds the comments' rows and refreshes their states afterwards.
    """
    found = await observed.classify(connection, comments, now=now, grace=grace)
    ended: list[asyncpg.Record] = []
    if found.posted:
        ended += await settle_seen(connection, found.posted, now=now)
    ended += await connection.fetch(_CANCEL, now, comments)
    await connection.execute(_REVIVE, now, comments, HAS_REPLY)
    await connection.execute(_THERE_AGAIN, now, comments)
    await report(connection, codec, ended)


async def settle_seen(
    connection: Connection, posted: Mapping[str, str], *, now: datetime | None
) -> list[asyncpg.Record]:
    """Settles rows whose reply (its id by decision id) is on the platform; returns the rows that ended.

    Whatever else waited to answer their comments gives way. Within the caller's transaction, which holds the
    comments' rows; the caller reports what ended.
    """
    gave_way = await connection.fetch(_GIVE_WAY, now, list(posted), ANSWERED)
    settled = await connection.fetch(_SETTLE_POSTED, now, list(posted), list(posted.values()))
    for row in settled:
        metrics.POSTING_RECONCILED.labels(row["platform"], "seen").inc()
    await connection.execute(_CLOSE_REVIEWS, now, [row["revision_id"] for row in settled])
    return [*gave_way, *settled]


async def enqueue_staged(connection: Connection, codec: Codec, *, now: datetime | None) -> dict[str, str]:
    """Queues what the decisions in `in_batch` order sent; returns each new row's state by decision id."""
    await connection.execute(_FORGET_REPLAYED, REPLAYED)
    rows = await connection.fetch(_INSERT, now, REPLAYED, HAS_REPLY)
    await report(connection, codec, [row for row in rows if row["state"] != "queued"])
    if any(row["state"] == "queued" for row in rows):
        await connection.execute(f"notify {CHANNEL}")
    return {str(row["decision_id"]): row["state"] for row in rows}


async def report(connection: Connection, codec: Codec, ended: Sequence[Any]) -> None:
    """Tells `replies.outcomes` of ended rows; where an approval came to nothing, people may decide anew."""
    if not ended:
        return
    await connection.execute(
        "update decisions set is_spent = true where decision_id = any ($1::uuid[]) and decided_by = 'person'",
        [
            row["decision_id"]
            for row in ended
            if row["state"] not in ("posted", "unknown") and row["reason"] not in (HAS_REPLY, ANSWERED)
        ],
    )
    await outbox.enqueue_outcomes(connection, codec, ended)
