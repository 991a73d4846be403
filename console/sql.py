"""`parley sql`: a question to Postgres, answered as a table or as JSON lines; it can change nothing."""

from typing import Annotated, Any

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from console import database
from console.printing import cell, json_line
from infra.postgres import Pool
from schemas.errors import ConfigurationError


def sql(
    query: Annotated[str, typer.Argument(help="For example: select * from comment_overview limit 5")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Asks Postgres (read only) and prints the rows."""
    rows = database.run(lambda pool, _tenant: _ask(pool, query), migrates=False)
    if as_json:
        for row in rows:
            print(json_line(dict(row)))
        return
    shown = Table(*(rows[0].keys() if rows else ()))
    for row in rows:
        shown.add_row(*map(cell, row.values()))
    Console().print(shown if rows else "no rows")


async def _ask(pool: Pool, query: str) -> list[Any]:
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        try:
            return list(await connection.fetch(query))
        except asyncpg.PostgresError as error:
            raise ConfigurationError(f"Postgres does not take this query: {error}") from error
