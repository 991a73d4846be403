"""An account's status: its row, a line in the audit log and the change that every worker reads, as one.

Whoever changes a status, a person or the poster, does it here.
"""

from typing import Any, Final

from infra import audit
from infra.postgres import Connection
from replies.account import AccountStatus, AccountView
from schemas.codec import Codec
from schemas.events import utc_now
from sinks.announcing import announce

COLUMNS: Final = (
    "tenant_id, platform, account_id, name, mode, status, may_reply, only_when_mentioned, arrival,"
    " default_language, brand_name, time_zone, username"
)
"""Columns of `social_accounts` that an `AccountView` is made of."""

_CHANGE: Final = f"""
update social_accounts set status = $4, status_reason = $5, version = version + 1,
    updated_at = clock_timestamp()
where tenant_id = $1 and platform = $2 and account_id = $3 and ($6::text is null or status = $6)
returning version, {COLUMNS}
"""  # noqa: S608

# Who lets an account post again means now, whatever it was held for.
_LET_GO: Final = """
update reply_pace set held_until = least(held_until, clock_timestamp())
where tenant_id = $1 and platform = $2 and account_id = $3
"""


async def change(
    connection: Connection,
    codec: Codec,
    account: tuple[str, str, str],
    status: AccountStatus,
    *,
    reason: str,
    actor: str,
    only_from: AccountStatus | None = None,
) -> bool:
    """Sets the status of an account (tenant, platform, id), within the caller's transaction.

    False if there is no such account, or its status is not `only_from`.
    """
    row = await connection.fetchrow(_CHANGE, *account, status, reason, only_from)
    if row is None:
        return False
    if status is AccountStatus.ACTIVE:
        await connection.execute(_LET_GO, *account)
    details = {"reason": reason} if reason else {}
    await tell(connection, codec, row, action=f"account.{status}", actor=actor, details=details)
    return True


async def tell(
    connection: Connection, codec: Codec, row: Any, *, action: str, actor: str, details: dict[str, Any]
) -> None:
    """Audits a change of an account, and tells every worker; within the caller's transaction.

    `row`: its columns `COLUMNS` and its new `version`.
    """
    columns = {name: row[name] for name in COLUMNS.split(", ")}
    changed = AccountView.model_validate(columns).as_change(row["version"], by=actor, at=utc_now())
    await announce(connection, codec, changed, action=action, details=details)


async def pause_all(connection: Connection, tenant: str, *, reason: str, actor: str) -> bool:
    """The kill switch: nothing of the tenant is sent from now on; False if it is on already."""
    return await _switch(
        connection,
        "insert into posting_pauses (tenant_id, reason, paused_by) values ($1, $2, $3)"
        " on conflict do nothing returning tenant_id",
        (tenant, reason, actor),
        (tenant, actor, "posting.paused", {"reason": reason}),
    )


async def resume_all(connection: Connection, tenant: str, *, actor: str) -> bool:
    """Ends `pause_all`; accounts that were paused one by one stay so. False if nothing was paused."""
    return await _switch(
        connection,
        "delete from posting_pauses where tenant_id = $1 returning tenant_id",
        (tenant,),
        (tenant, actor, "posting.resumed", {}),
    )


async def _switch(
    connection: Connection,
    statement: str,
    arguments: tuple[str, ...],
    told: tuple[str, str, str, dict[str, str]],
) -> bool:
    if await connection.fetchval(statement, *arguments) is None:
        return False
    tenant, actor, action, details = told
    await audit.write_down(connection, tenant, actor, action, f"tenant:{tenant}", details)
    return True
