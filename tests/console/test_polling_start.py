"""`parley poll` on servers that nobody has prepared makes what it needs, and logs nothing that alarms."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
async def unprepared(database_url: str) -> AsyncIterator[str]:
    """A database without any table."""
    name = urlsplit(database_url).path.lstrip("/") + "_empty"
    connection = await asyncpg.connect(database_url)
    await connection.execute(f'create database "{name}"')
    yield urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
    await connection.execute(f'drop database "{name}" with (force)')
    await connection.close()


async def test_poll_begins_on_servers_that_are_empty(
    unprepared: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    given = {
        "DATABASE_URL": unprepared,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "PARLEY_STATE_DIR": str(tmp_path),
        "PARLEY_METRICS_PORT": "0",
    }
    poll = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console.main", "poll", env=os.environ | given, stderr=asyncio.subprocess.PIPE
    )
    try:
        connection = await asyncpg.connect(unprepared)
        async with asyncio.timeout(60):
            made = "select to_regclass('account_polls')"
            while poll.returncode is None and await connection.fetchval(made) is None:
                await asyncio.sleep(0.1)
        await connection.close()
        poll.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(poll.communicate(), 60)
    finally:
        if poll.returncode is None:
            poll.kill()
    assert poll.returncode == 0, said.decode()
    assert "rror" not in said.decode()
