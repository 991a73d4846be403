"""A database for each run on one server."""

from urllib.parse import urlsplit, urlunsplit

import asyncpg


async def new_database(server: str, name: str) -> str:
    """The address of a new, empty database."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'create database "completeness_{name}"')
    finally:
        await connection.close()
    return urlunsplit(urlsplit(server)._replace(path=f"/completeness_{name}"))
