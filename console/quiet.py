"""`parley accounts quiet`: hours in which nothing of an account is sent."""

import getpass
from typing import Annotated

import typer

from console import database
from console.printing import json_line
from infra.postgres import Pool
from schemas.errors import ConfigurationError
from schemas.events import Platform
from sinks import quiet as hours


def quiet(
    platform: Annotated[Platform, typer.Argument()],
    account_id: Annotated[str, typer.Argument()],
    begin: Annotated[str, typer.Option("--from", help="Local time, 22:00.")] = "",
    end: Annotated[str, typer.Option("--until", help="Local time, 08:00; may be on the next day.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone; Europe/Madrid. The one before without it.")] = "",
    off: Annotated[bool, typer.Option("--off", help="Posts at all hours again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Sends nothing of an account between these local hours; what waits is sent, or expires, afterwards."""
    if off is bool(begin or end):
        raise ConfigurationError("Say --from TIME --until TIME, or --off.")
    first, last = (hours.local_time(text) if text else None for text in (begin, end))

    async def work(pool: Pool, tenant: str) -> str | None:
        async with pool.acquire() as connection, connection.transaction():
            return await hours.set_hours(
                connection,
                (tenant, platform, account_id),
                begin=first,
                end=last,
                zone=zone or None,
                actor=getpass.getuser(),
            )

    known = database.run(work, announces=True)
    if known is None:
        raise ConfigurationError(f"There is no account {platform}/{account_id}; see parley accounts list.")
    told = {"platform": platform.value, "account_id": account_id, "from": begin, "until": end, "zone": known}
    if as_json:
        print(json_line(told))
    else:
        said = "at all hours" if off else f"is quiet from {begin} until {end}, {known}"
        print(f"{platform}/{account_id} {'posts ' if off else ''}{said}")
