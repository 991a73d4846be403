"""What people must hear of, found in the tables: a notice opens with its cause and closes with it.

Nobody has to remember to report: whoever escalates, pauses or blocks writes facts, and this reads them. Rows
hold ids and reasons, never what people wrote.
"""

from typing import Final

from infra.postgres import Connection

CAUSES: Final = """
select r.tenant_id, k.kind, 'comment:' || r.comment_id as subject,
       jsonb_build_object('comment_id', r.comment_id, 'platform', c.platform, 'account_id', c.account_id,
                          'reason', r.reason, 'due_at', r.due_at, 'permalink', c.permalink) as details
from review_items r join comments c using (comment_id)
cross join lateral (
    select 'escalated' as kind union all
    select 'deadline_passed' where r.due_at < clock_timestamp()
) k
where r.tenant_id = $1 and r.is_open and r.level = 'supervisor'
union all
select tenant_id, 'account_' || status, 'account:' || platform || ':' || account_id,
       jsonb_build_object('platform', platform, 'account_id', account_id, 'name', name,
                          'reason', status_reason)
from social_accounts where tenant_id = $1 and status <> 'active'
union all
select tenant_id, 'posting_paused', 'posting', jsonb_build_object('reason', reason, 'by', paused_by)
from posting_pauses where tenant_id = $1
"""

_OPEN: Final = f"""
insert into notices (tenant_id, kind, subject, details)
select * from ({CAUSES}) causes
on conflict (tenant_id, kind, subject) where closed_at is null do nothing
"""  # noqa: S608

_CLOSE: Final = f"""
update notices n set closed_at = clock_timestamp()
where n.tenant_id = $1 and n.closed_at is null
    and (n.kind, n.subject) not in (select kind, subject from ({CAUSES}) causes)
"""  # noqa: S608


async def refresh(connection: Connection, tenant: str) -> None:
    """Opens a notice for each new cause and closes those whose cause is over."""
    await connection.execute(_CLOSE, tenant)
    await connection.execute(_OPEN, tenant)
