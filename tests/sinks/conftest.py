"""Fixtures of the sinks' tests: one database a module, emptied before each test."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from infra import postgres
from infra.crypto import KeyRing
from infra.postgres import Pool
from infra.settings import Settings
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Clock, Story


@pytest.fixture(scope="module")
def database_url(_servers: tuple[str, str]) -> Iterator[str]:
    """A new, migrated database, dropped after the module's tests."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = urlunsplit(urlsplit(_servers[1])._replace(path=f"/{name}"))

    async def make() -> None:
        await _administer(_servers[1], f'create database "{name}"')
        async with postgres.open_pool(url, size=1) as opened:
            await postgres.migrate(opened)

    asyncio.run(make())
    yield url
    asyncio.run(_administer(_servers[1], f'drop database "{name}" with (force)'))


async def _administer(url: str, statement: str) -> None:
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections to the module's database, empty."""
    async with postgres.open_pool(database_url, size=8) as opened:
        tables = await opened.fetch("select tablename from pg_tables where schemaname = 'public'")
        names = ", ".join(row["tablename"] for row in tables if row["tablename"] != "schema_migrations")
        await opened.execute(f"truncate {names} restart identity")
        yield opened


@pytest.fixture
def story() -> Story:
    """Events about comments by number."""
    return Story()


@pytest.fixture
def clock() -> Clock:
    """A present that moves when told."""
    return Clock()


@pytest.fixture
def page(clock: Clock) -> FakePage:
    """The platform."""
    return FakePage(clock)


@pytest.fixture
async def office(pool: Pool, story: Story, clock: Clock, page: FakePage) -> Office:
    """Post sink, posters and one account that posts by itself."""
    made = Office(
        pool=pool,
        story=story,
        clock=clock,
        page=page,
        settings=Settings(posting_settle_after=60, posting_timeout=15),
        keys=KeyRing({"k": bytes(32)}),
    )
    await made.add_account()
    return made
