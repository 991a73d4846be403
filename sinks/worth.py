"""What a waiting reply gains from the size of its thread; the rest of its worth is the decision's priority.

A thread is the comment that it hangs below and what hangs there. It is counted when a reply to it is queued,
and again with every comment that joins it or goes, so a reply rises, or falls, while it waits. The worth is
kept in the row of the queue: the claim reads an index.
"""

from typing import Final

from infra.postgres import Connection
from replies.priority import DEFAULT, FULL_THREAD

# Counted in doublings, so that a growing thread rewrites its rows ten times at most. Rows that somebody holds
# are left out, because their comments' rows are not ours: a reply that comes back to the queue has the worth
# of when it left, until its thread changes again. The weight is that of the policy in force.
_WEIGH: Final = f"""
with touched as (
    select platform, account_id, platform_parent_id as thread_id from in_batch
    where what = 'comment' and platform_parent_id is not null
    union
    select platform, account_id, thread_id from in_batch
    where what = 'decision' and action in ('approve', 'auto_approve')
), waiting as materialized (
    select q.decision_id, q.tenant_id, q.platform, q.account_id, q.thread_id, q.priority
    from touched join reply_queue q using (platform, account_id, thread_id)
    where q.state = 'queued'
), gain as materialized (
    select t.*, floor(log(2, 1 + below.comments)) / {FULL_THREAD} * coalesce((
        select (p.document -> 'priority' ->> 'thread')::numeric from policies p
        where p.tenant_id = t.tenant_id order by p.version desc limit 1), $1) as gained
    from (select distinct tenant_id, platform, account_id, thread_id from waiting) t, lateral (
        select count(*) as comments from (
            select from comments c
            where c.platform = t.platform and c.account_id = t.account_id
                and c.platform_parent_id = t.thread_id and c.removed_at is null
            limit {2**FULL_THREAD - 1}
        ) counted
    ) below
), weighed as materialized (
    select w.decision_id, (d.priority::numeric + g.gained)::real as priority
    from waiting w join gain g using (tenant_id, platform, account_id, thread_id)
    join decisions d using (decision_id)
    where w.priority <> (d.priority::numeric + g.gained)::real
), held as (
    select q.decision_id, n.priority from weighed n join reply_queue q using (decision_id)
    where q.state = 'queued' for update of q skip locked
)
update reply_queue q set priority = held.priority from held where q.decision_id = held.decision_id
"""  # noqa: S608


async def weigh(connection: Connection) -> None:
    """Weighs the waiting replies of the threads in `in_batch` anew, within the caller's transaction.

    After the batch's comments were written and its replies queued; never waits for another writer.
    """
    await connection.execute(_WEIGH, DEFAULT.thread)
