"""A database that a benchmark has for itself."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """The URL of an empty database on the server of that URL; dropped with everybody in it at the end."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    asyncio.run(_execute(server, f'create database "{name}"'))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_execute(server, f'drop database "{name}" with (force)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
