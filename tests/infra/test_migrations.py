"""Migrations on a real server: once each, whoever asks and however often; a changed history is refused."""

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from infra import postgres
from schemas.errors import EnvironmentFault, TransientError

FILES = sorted(file.name for file in postgres.MIGRATIONS.glob("[0-9]*.sql"))
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[str]:
    """A database that was never migrated."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(database_url)
    try:
        await admin.execute(f'create database "{name}"')
        yield urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
        await admin.execute(f'drop database "{name}" with (force)')
    finally:
        await admin.close()


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    folder = tmp_path / "migrations"
    shutil.copytree(postgres.MIGRATIONS, folder)
    monkeypatch.setattr(postgres, "MIGRATIONS", folder)
    return folder


async def test_an_empty_database_gets_all_migrations_in_order_and_only_once(empty: str) -> None:
    async with postgres.open_pool(empty) as pool:
        assert await postgres.migrate(pool) == FILES
        assert await postgres.migrate(pool) == []


async def test_two_that_migrate_at_once_share_the_work(empty: str) -> None:
    async with postgres.open_pool(empty) as one, postgres.open_pool(empty) as other:
        done = await asyncio.gather(postgres.migrate(one), postgres.migrate(other))
    assert sorted(done) == [[], FILES]


async def test_a_new_migration_is_applied_alone(pool: postgres.Pool, migrations: Path) -> None:
    (migrations / "9000_more.sql").write_text("create table more (id integer); insert into more values (1);")
    assert await postgres.migrate(pool) == ["9000_more.sql"]
    assert await pool.fetchval("select id from more") == 1


async def test_a_migration_that_fails_leaves_nothing_behind(pool: postgres.Pool, migrations: Path) -> None:
    (migrations / "9000_good.sql").write_text("create table good (id integer)")
    (migrations / "9001_bad.sql").write_text("create table bad (id integer); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await postgres.migrate(pool)
    for table in ("good", "bad"):
        assert await pool.fetchval("select to_regclass($1)", table) is None
    (migrations / "9001_bad.sql").write_text("create table bad (id integer)")
    assert await postgres.migrate(pool) == ["9000_good.sql", "9001_bad.sql"]


async def test_a_migration_changed_after_it_was_applied_is_refused(
    pool: postgres.Pool, migrations: Path
) -> None:
    with (migrations / FILES[0]).open("a") as file:
        file.write("-- one more thing\n")
    with pytest.raises(EnvironmentFault, match=rf"{FILES[0]} was changed after .* write a new migration"):
        await postgres.migrate(pool)


async def test_a_database_of_a_newer_release_is_refused(pool: postgres.Pool, migrations: Path) -> None:
    (migrations / "9000_later.sql").write_text("select 1")
    await postgres.migrate(pool)
    (migrations / "9000_later.sql").unlink()
    with pytest.raises(EnvironmentFault, match=r"9000_later\.sql.* it is newer\. Deploy the newer release"):
        await postgres.migrate(pool)


async def test_a_server_that_is_not_there_is_told_with_what_to_check() -> None:
    with pytest.raises(EnvironmentFault, match="Check DATABASE_URL, that the server runs") as caught:
        await postgres.create_pool(f"postgresql://parley:{PASSWORD}@127.0.0.1:1/parley")
    assert PASSWORD not in str(caught.value)


async def test_a_database_that_is_not_there_is_told_with_its_name(database_url: str) -> None:
    url = urlunsplit(urlsplit(database_url)._replace(path="/nowhere"))
    with pytest.raises(EnvironmentFault, match="nowhere"):
        await postgres.create_pool(url)


@pytest.mark.parametrize("password", ["half/secret", "half#secret", "half?secret"])
async def test_a_url_that_cannot_be_read_is_not_quoted(password: str) -> None:
    with pytest.raises(EnvironmentFault, match="write special characters in it as %XX") as caught:
        await postgres.create_pool(f"postgresql://parley:{password}@127.0.0.1:1/parley")
    assert "half" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_json_columns_take_and_give_python_values(pool: postgres.Pool) -> None:
    value = {"a": [1, None, "ü 🙂"], "b": {"c": 0.5}}
    assert await pool.fetchval("select $1::jsonb", value) == value
    assert await pool.fetchval("select $1::json", value) == value


async def test_a_lost_connection_is_a_transient_error(pool: postgres.Pool) -> None:
    async with pool.acquire() as victim:
        process = await victim.fetchval("select pg_backend_pid()")
        async with pool.acquire() as other:
            await other.execute("select pg_terminate_backend($1)", process)
        with pytest.raises(TransientError, match="Postgres: "), postgres.transient():
            await victim.execute("select 1")
    assert await pool.fetchval("select 1") == 1  # the pool has replaced it


async def broken() -> None:
    """What asyncpg does with a connection that was closed: its release fails, whatever ends the use."""
    try:
        await asyncio.sleep(3600)
    finally:
        raise asyncpg.InterfaceError("connection has been released back to the pool")


async def test_a_cancellation_hidden_by_a_broken_connection_ends_who_retries() -> None:
    async def worker() -> None:
        while True:
            with contextlib.suppress(TransientError), postgres.transient():
                await broken()

    task = asyncio.create_task(worker())
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done
    assert task.cancelled()


async def test_a_timeout_hidden_by_a_broken_connection_stays_a_timeout() -> None:
    async def impatient() -> None:
        async with asyncio.timeout(0):
            with postgres.transient():
                await broken()

    with pytest.raises(TimeoutError):
        await impatient()


async def test_a_value_that_the_database_refuses_is_not_transient(pool: postgres.Pool) -> None:
    with pytest.raises(asyncpg.PostgresError), postgres.transient():
        await pool.execute("select $1::uuid", "not a uuid")
    with pytest.raises(asyncpg.PostgresError), postgres.transient():
        await pool.execute("select $1::text", "a\x00b")


async def test_a_server_that_went_read_only_is_a_transient_error(pool: postgres.Pool) -> None:
    """As after a failover, or where a managed server's disk is full."""
    async with pool.acquire() as connection:
        await connection.execute("set default_transaction_read_only = on")
        with pytest.raises(TransientError), postgres.transient():
            await connection.execute("insert into users (tenant_id, name, role) values ('t', 'n', 'admin')")
        await connection.execute("set default_transaction_read_only = off")


async def test_who_may_create_nothing_finds_a_migrated_database_in_order(
    pool: postgres.Pool, database_url: str
) -> None:
    role = f"worker_{uuid.uuid4().hex[:8]}"
    await pool.execute(f"create role {role}")
    await pool.execute(f"grant select on schema_migrations to {role}")
    joint = "&" if "?" in database_url else "?"
    try:
        async with postgres.open_pool(f"{database_url}{joint}role={role}", size=1) as restricted:
            assert await restricted.fetchval("select current_user") == role
            assert await postgres.migrate(restricted) == []
    finally:
        await pool.execute(f"drop owned by {role}")
        await pool.execute(f"drop role {role}")
