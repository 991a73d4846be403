"""`parley accounts add|list|mode|pause|resume`: the brand's accounts on the platforms."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from console import configuration, seeding
from console.printing import cell, json_line
from console.servers import Servers, open_servers, prepare
from infra import postgres, settings
from infra.postgres import Pool
from infra.settings import Settings
from replies.account import AccountStatus, AccountView, Mode
from schemas import codec
from schemas.errors import ConfigurationError
from schemas.events import Platform
from sinks import statuses

app = typer.Typer(no_args_is_help=True, help="The brand's accounts.")

T = TypeVar("T")
OnPlatform = Annotated[Platform, typer.Argument(help="facebook, instagram, x or linkedin")]
AccountId = Annotated[
    str, typer.Argument(help="The account's id on the platform (for Facebook: the page's id).")
]


@app.command("add")
def add(
    platform: OnPlatform,
    account_id: AccountId,
    name: Annotated[str, typer.Option(help="How people call it.")],
    token_file: Annotated[
        Path | None, typer.Option(help="File with the access token; without it, standard input is read.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="observe, review or auto")] = Mode.REVIEW,
    brand: Annotated[str, typer.Option(help="The brand's name, for templates; the name without it.")] = "",
    language: Annotated[
        str, typer.Option(help="ISO 639-1, spoken where a comment's own is not known.")
    ] = "en",
    replies_per_minute: Annotated[float | None, typer.Option(min=0, help="Budget.")] = None,
) -> None:
    """Adds an account, or brings it up to date. The token is never an argument, and is kept encrypted."""
    if platform is not Platform.FACEBOOK:
        raise ConfigurationError(f"{platform} is not connected yet; this release answers on facebook.")
    token = _token(token_file)
    view = AccountView(
        platform=platform,
        account_id=account_id,
        name=name,
        mode=mode,
        default_language=language,
        brand_name=brand or name,
        tenant_id=settings.load().tenant,
    )

    async def work(pool: Pool, loaded: Settings) -> None:
        await configuration.save_account(
            pool,
            codec.load(),
            view,
            token=token,
            keys=configuration.key_ring(loaded),
            replies_per_minute=loaded.replies_per_minute
            if replies_per_minute is None
            else replies_per_minute,
            actor=getpass.getuser(),
        )

    _run(work, announce=True)
    print(f"{platform} account {account_id} ({name}): mode {mode}")


def _token(file: Path | None) -> str:
    try:
        text = file.read_text(encoding="utf-8") if file else sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The token cannot be read from {file or 'standard input'}: {error}"
        ) from error
    token = text.strip()
    if not token or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"{file or 'Standard input'} holds no access token. For example: "
            "parley accounts add facebook 1234 --name 'My page' < token.txt"
        )
    return token


@app.command("list")
def list_accounts(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an account.")] = False,
) -> None:
    """Shows the accounts with their mode, state and budget."""

    async def work(pool: Pool, loaded: Settings) -> list[dict[str, object]]:
        rows = await pool.fetch(
            "select platform, account_id, name, mode, status, status_reason, may_reply, replies_per_minute, "
            "(select count(*) from comments c where c.platform = a.platform and c.account_id = a.account_id) "
            "as comments from social_accounts a where tenant_id = $1 order by 1, 2",
            loaded.tenant,
        )
        return [dict(row) for row in rows]

    rows = _run(work)
    if as_json:
        for row in rows:
            print(json_line(row))
        return
    table = Table("Platform")
    table.add_column(
        "Account", no_wrap=True, min_width=max((len(str(row["account_id"])) for row in rows), default=0)
    )
    for heading in ("Name", "Mode", "Status", "Replies a minute", "Comments"):
        table.add_column(heading)
    for row in rows:
        status = f"{row['status']} {row['status_reason'] or ''}".strip()
        table.add_row(
            str(row["platform"]),
            str(row["account_id"]),
            cell(row["name"]),
            str(row["mode"]),
            cell(status),
            f"{row['replies_per_minute']:g}",
            str(row["comments"]),
        )
    Console().print(table if rows else "no accounts; `parley accounts add` adds one")


@app.command("mode")
def set_mode(platform: OnPlatform, account_id: AccountId, mode: Mode) -> None:
    """Sets how far Parley goes: observe, review or auto."""

    async def work(pool: Pool, loaded: Settings) -> None:
        account = (loaded.tenant, platform, account_id)
        await configuration.set_mode(pool, codec.load(), account, mode, actor=getpass.getuser())

    _run(work, announce=True)
    print(f"{platform} account {account_id}: mode {mode}")


@app.command("pause")
def pause(
    platform: Annotated[Platform | None, typer.Argument()] = None,
    account_id: Annotated[str, typer.Argument()] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every account: the kill switch.")] = False,
    reason: Annotated[str, typer.Option()] = "paused by hand",
) -> None:
    """Stops posting within two seconds, for one account or for all; nothing is lost."""
    _switch(platform, account_id, AccountStatus.PAUSED, reason, everything=everything)


@app.command("resume")
def resume(
    platform: Annotated[Platform | None, typer.Argument()] = None,
    account_id: Annotated[str, typer.Argument()] = "",
    everything: Annotated[
        bool,
        typer.Option("--all", help="Ends `pause --all`; accounts that were paused by themselves stay so."),
    ] = False,
) -> None:
    """Lets an account, or after `pause --all` the others too, post again."""
    _switch(platform, account_id, AccountStatus.ACTIVE, "", everything=everything)


def _switch(
    platform: Platform | None, account_id: str, status: AccountStatus, reason: str, *, everything: bool
) -> None:
    if everything is (platform is not None) or everything is bool(account_id):
        raise ConfigurationError("Name one account (platform and id), or say --all.")

    async def work(pool: Pool, loaded: Settings) -> None:
        if platform is not None:
            account = (loaded.tenant, platform, account_id)
            await configuration.set_status(
                pool, codec.load(), account, status, reason=reason, actor=getpass.getuser()
            )
            return
        async with pool.acquire() as connection, connection.transaction():
            if status is AccountStatus.PAUSED:
                await statuses.pause_all(connection, loaded.tenant, reason=reason, actor=getpass.getuser())
            else:
                await statuses.resume_all(connection, loaded.tenant, actor=getpass.getuser())

    _run(work, announce=platform is not None)
    which = f"{platform} account {account_id}" if platform else "posting for all accounts"
    print(f"{which}: {status}")


def _run(work: Callable[[Pool, Settings], Awaitable[T]], *, announce: bool = False) -> T:
    loaded = settings.load()

    async def run(servers: Servers) -> T:
        await prepare(servers, loaded)
        async with postgres.open_pool(servers.database, size=2) as pool:
            result = await work(pool, loaded)
        if announce:
            await seeding.publish_outbox(servers)
        return result

    with open_servers(loaded) as servers:
        return asyncio.run(run(servers))
