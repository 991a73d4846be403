"""Shared fixtures: the real Kafka and the real Postgres that the tests run on.

Both come from the embedded stack, in a state folder of the test run's own, unless KAFKA_BOOTSTRAP_SERVERS and
DATABASE_URL name servers. Every test gets topics and a database of its own, so tests need no cleaning up.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from infra import postgres
from infra.embedded.stack import EmbeddedStack
from infra.settings import Settings


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    kafka, database = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("DATABASE_URL")
    if kafka and database:
        yield kafka, database
        return
    stack = EmbeddedStack(tmp_path_factory.mktemp("stack"), cache_dir=Settings().cache_dir)
    with stack as endpoints:
        yield endpoints.kafka, endpoints.postgres


@pytest.fixture(scope="session")
def kafka_bootstrap(_servers: tuple[str, str]) -> str:
    """Address of the broker."""
    return _servers[0]


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def _template(_servers: tuple[str, str]) -> Iterator[str]:
    """A migrated database that the others are copied from: migrating each would cost a second."""
    name = f"template_{uuid.uuid4().hex[:12]}"

    async def make() -> None:
        await _execute(_servers[1], f'create database "{name}"')
        async with postgres.open_pool(_named(_servers[1], name), size=1) as pool:
            await postgres.migrate(pool)

    asyncio.run(make())
    yield name
    asyncio.run(_execute(_servers[1], f'drop database "{name}" with (force)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def database_url(_servers: tuple[str, str], _template: str) -> AsyncIterator[str]:
    """A new, migrated database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    await _execute(_servers[1], f'create database "{name}" template "{_template}"')
    yield _named(_servers[1], name)
    await _execute(_servers[1], f'drop database "{name}" with (force)')


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[postgres.Pool]:
    """Connections to a new, migrated database."""
    async with postgres.open_pool(database_url, size=8) as opened:
        yield opened
