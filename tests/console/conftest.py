"""The command line on the real servers, as a person has it."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from console.main import application


class Parley:
    """`parley ...` on a database of the test's own."""

    def __init__(self, database: str) -> None:
        self._database = database

    def __call__(self, *arguments: str) -> str:
        """What it printed; raises what it raised, before that is told and made an exit code."""
        done = CliRunner().invoke(application(), arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def row(self, query: str) -> tuple[Any, ...]:
        """The query's first row."""

        async def fetch() -> Any:
            connection = await asyncpg.connect(self._database)
            try:
                return await connection.fetchrow(query)
            finally:
                await connection.close()

        return tuple(asyncio.run(fetch()))


@pytest.fixture
def parley(
    kafka_bootstrap: str, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Parley:
    """The command line; its changes are announced on the tests' broker."""
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "DATABASE_URL": database_url,
        "PARLEY_STATE_DIR": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)
    return Parley(database_url)
