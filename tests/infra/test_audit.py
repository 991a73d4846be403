from pathlib import Path

import pytest

from infra import audit
from infra.postgres import Pool

ROOMS = ("schemas", "infra", "models", "replies", "connectors", "streams", "sinks", "console")


@pytest.mark.integration
async def test_a_row_says_who_did_what_to_what_and_goes_with_what_it_tells_of(pool: Pool) -> None:
    async with pool.acquire() as connection:
        async with connection.transaction():
            await audit.write_down(connection, "acme", "ana", "key.revoked", "key:1", {"user": "ben"})
        undone = connection.transaction()
        await undone.start()
        await audit.write_down(connection, "acme", audit.BY_PARLEY, "account.auth", "account:x:1")
        await undone.rollback()
    rows = await pool.fetch("select tenant_id, actor, action, subject, details from audit_log")
    assert [tuple(row) for row in rows] == [("acme", "ana", "key.revoked", "key:1", {"user": "ben"})]


def test_rows_are_added_here_alone() -> None:
    adding = [
        str(path)
        for room in ROOMS
        for path in Path(room).rglob("*.py")
        if "insert into audit_log" in path.read_text(encoding="utf-8").lower()
    ]
    assert adding == ["infra/audit.py"]
