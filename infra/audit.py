"""The audit log: who did what to what. Rows are added, never changed, and hold ids instead of texts."""

from collections.abc import Mapping
from typing import Any, Final

from infra.postgres import Connection

BY_PARLEY: Final = "parley"
"""The actor of what nobody asked for."""

_ADD: Final = """
insert into audit_log (tenant_id, actor, action, subject, details) values ($1, $2, $3, $4, $5)
"""


async def write_down(
    connection: Connection,
    tenant: str,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Adds a row within the caller's transaction, that of what it tells of.

    `actor`: a person's name, or `BY_PARLEY`; `action`: `account.saved`; `subject`: `account:facebook:1`;
    `details`: plain data, without anything that people wrote.
    """
    await connection.execute(_ADD, tenant, actor, action, subject, dict(details or {}))
