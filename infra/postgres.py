"""Postgres: a connection pool and numbered migrations.

What asyncpg raises while the server is away becomes TransientError, so that the runner retries and holds.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from schemas.errors import EnvironmentFault, TransientError

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_MIGRATION_LOCK: Final = 0x7061726C6579  # "parley"; one migrating process at a time
_MIGRATION_SECONDS: Final = 3600.0  # for one file, and for the wait until another process has migrated

Pool = asyncpg.Pool
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A connection, whether it was opened by itself or lent by a pool."""

NOW: Final = "coalesce($1::timestamptz, clock_timestamp())"
"""The present in a statement whose $1 may give another; the server's own clock where it is null."""

AWAY: Final = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # how a connection is found that the server closed meanwhile
    # by class of SQLSTATE, because servers that fail over or run full find many words for it
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a standby, or a managed server whose disk is full
    asyncpg.TransactionRollbackError,  # 40: deadlock, serialization
    asyncpg.InsufficientResourcesError,  # 53: disk, memory, connections
    asyncpg.ObjectNotInPrerequisiteStateError,  # 55: lock not available
    asyncpg.OperatorInterventionError,  # 57: shutdown, crash, cancelled, cannot connect now
    asyncpg.PostgresSystemError,  # 58: the server's own I/O
    asyncpg.InternalServerError,  # XX
)
"""What asyncpg raises for faults that pass by themselves or once somebody mends the server."""


@contextlib.contextmanager
def transient() -> Iterator[None]:
    """Within it, faults of the server or the way to it are raised as TransientError.

    In a task that is being cancelled they are not: a broken connection's release hides the cancellation
    behind an error of its own, and who retries would never end.
    """
    try:
        yield
    except AWAY as error:
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError from error
        raise TransientError(f"Postgres: {type(error).__name__}: {error}") from error


async def _prepare(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def create_pool(
    url: str, *, size: int = 4, connected: bool = True, command_timeout: float = 30
) -> Pool:
    """A pool of up to `size` connections; raises EnvironmentFault if the server cannot be reached.

    JSON columns take and give Python values. `command_timeout` is in seconds. Where `connected` is False, the
    first connection is made when it is first needed: for those who can do without the server.
    """
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1 if connected else 0,
            max_size=size,
            command_timeout=command_timeout,
            timeout=10,
            init=_prepare,
        )
    except (*AWAY, asyncpg.PostgresError, ValueError) as error:
        # A URL that cannot be taken apart is quoted by urllib in pieces, of which one may be the password's.
        unparsed = isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError)
        what = "the URL cannot be read; write special characters in it as %XX" if unparsed else error
        raise EnvironmentFault(
            f"Postgres cannot be used: {type(error).__name__}: {what}. "
            "Check DATABASE_URL, that the server runs, and that the user may log in; "
            "unset it to use the embedded server."
        ) from (None if unparsed else error)
    return pool


@contextlib.asynccontextmanager
async def open_pool(url: str, *, size: int = 4, connected: bool = True) -> AsyncIterator[Pool]:
    """`create_pool`, closed at the end within 5 s."""
    pool = await create_pool(url, size=size, connected=connected)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), 5)
        except (TimeoutError, *AWAY):
            pool.terminate()


async def migrate(pool: Pool) -> list[str]:
    """Applies the migrations that the database lacks, in order, in one transaction; returns their names.

    Raises EnvironmentFault if an applied file was changed, or the database is newer than this release.
    """
    files = sorted(MIGRATIONS.glob("[0-9]*.sql"))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "select pg_advisory_xact_lock($1)", _MIGRATION_LOCK, timeout=_MIGRATION_SECONDS
        )
        # Asked first: `if not exists` too needs the right to create, which who only works need not have.
        if await connection.fetchval("select to_regclass('schema_migrations')") is None:
            await connection.execute(
                "create table schema_migrations "
                "(name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
            )
        applied = {
            row["name"]: row["sha256"]
            for row in await connection.fetch("select name, sha256 from schema_migrations")
        }
        unknown = sorted(set(applied) - {file.name for file in files})
        if unknown:
            raise EnvironmentFault(
                f"The database holds migrations that this release does not know ({', '.join(unknown)}): "
                "it is newer. Deploy the newer release."
            )
        done = []
        for file in files:
            text = file.read_text(encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()
            if file.name in applied:
                if applied[file.name] != digest:
                    raise EnvironmentFault(
                        f"Migration {file.name} was changed after it had been applied to this database. "
                        "Put the file back and write a new migration; a development database may be deleted."
                    )
                continue
            await connection.execute(text, timeout=_MIGRATION_SECONDS)
            await connection.execute(
                "insert into schema_migrations (name, sha256) values ($1, $2)", file.name, digest
            )
            done.append(file.name)
    return done
