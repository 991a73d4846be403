"""What a verdict means for its account: budget given back, a pause, or a stop until somebody has looked."""

from datetime import datetime
from typing import Final

from infra import logs
from infra.postgres import Connection
from sinks.attempt import Verdict

_HOLD: Final = """
update reply_pace set held_until = greatest(held_until, coalesce($1::timestamptz, clock_timestamp())
    + make_interval(secs => $5)), held_reason = $6
where tenant_id = $2 and platform = $3 and account_id = $4
"""

_GIVE_BACK: Final = """
update reply_pace set tokens = tokens + 1 where tenant_id = $1 and platform = $2 and account_id = $3
"""

_STOP: Final = """
with stopped as (
    update social_accounts set status = $4, status_reason = $5, updated_at = clock_timestamp()
    where tenant_id = $1 and platform = $2 and account_id = $3 and status = 'active'
    returning tenant_id
)
insert into audit_log (tenant_id, actor, action, subject, details)
select tenant_id, 'poster', 'account.' || $4, 'account:' || $2 || ':' || $3, jsonb_build_object('reason', $5)
from stopped returning id
"""

log = logs.get(__name__)


async def apply(connection: Connection, verdict: Verdict, now: datetime | None) -> None:
    """Gives unused budget back, makes the account wait, or stops it with a line in the audit log."""
    account = (verdict.row["tenant_id"], verdict.row["platform"], verdict.row["account_id"])
    if verdict.unused:
        await connection.execute(_GIVE_BACK, *account)
    if verdict.hold is not None:
        await connection.execute(_HOLD, now, *account, verdict.hold, verdict.reason)
    if verdict.stop is not None and await connection.fetchval(_STOP, *account, verdict.stop, verdict.reason):
        log.error(
            "posting stopped for an account", account=account, status=verdict.stop, reason=verdict.reason
        )
