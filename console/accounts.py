"""`parley accounts add|connect|list|check|mode|arrival|pause|resume`: the brand's accounts."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from connectors.catalogue import CONNECTORS
from connectors.tokens import read_token, token_json
from console import account_checking, configuration, connecting, database
from console.account_list import list_accounts
from console.quiet import quiet
from infra import settings
from infra.postgres import Pool
from replies.account import AccountStatus, AccountView, Mode
from replies.documents import validated
from schemas import codec
from schemas.arrival import Arrival
from schemas.errors import ConfigurationError
from schemas.events import Platform
from sinks import statuses

app = typer.Typer(no_args_is_help=True, help="The brand's accounts.")
app.command("connect")(connecting.connect)
app.command("check")(account_checking.check)
app.command("list")(list_accounts)
app.command("quiet")(quiet)

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
    mode: Annotated[Mode | None, typer.Option(help="observe, review (if new) or auto")] = None,
    brand: Annotated[
        str | None, typer.Option(help="The brand's name, for templates; if new, the account's name.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="ISO 639-1, spoken where a comment's own is not known; if new, en.")
    ] = None,
    replies_per_minute: Annotated[
        float | None, typer.Option(min=0, help="Budget; if new, PARLEY_REPLIES_PER_MINUTE.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="Its handle, by which own comments are told.")] = None,
    may_reply: Annotated[
        bool | None, typer.Option(help="Whether the platform lets Parley reply there; if new, it does.")
    ] = None,
    only_when_mentioned: Annotated[
        bool | None,
        typer.Option(help="Replies only to comments that mention it; if new, the platform's way."),
    ] = None,
    arrival: Annotated[
        Arrival | None, typer.Option(help="By which ways comments come; if new, by both.")
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0, help="Days of comments to fetch; PARLEY_BACKFILL_DAYS without it.")
    ] = None,
) -> None:
    """Adds an account, or brings it up to date: what is not said stays as it is.

    The token is never an argument, and is kept encrypted. It is the bare access token, or
    JSON with access, refresh and expires_at.
    """
    if platform not in CONNECTORS:
        raise ConfigurationError(f"There is no connector for {platform}; there are {', '.join(CONNECTORS)}.")
    token, loaded = _token(token_file), settings.load()
    new = AccountView(
        tenant_id=loaded.tenant,
        platform=platform,
        account_id=account_id,
        only_when_mentioned=CONNECTORS[platform].capabilities.replies_only_when_mentioned,
        brand_name=name[:60],
    )
    given = {
        "name": name,
        "mode": mode,
        "brand_name": brand,
        "default_language": language,
        "may_reply": may_reply,
        "only_when_mentioned": only_when_mentioned,
        "arrival": arrival,
    }
    said = {option: value for option, value in given.items() if value is not None}

    async def work(pool: Pool, _tenant: str) -> AccountView:
        stored, budget = await configuration.stored_or(pool, new, loaded.replies_per_minute)
        view = validated(AccountView, {**stored.model_dump(), **said}, f"{platform} account {account_id}")
        await configuration.save_account(
            pool,
            codec.load(),
            view,
            token=token,
            username=username,
            keys=configuration.key_ring(loaded),
            replies_per_minute=budget if replies_per_minute is None else replies_per_minute,
            actor=getpass.getuser(),
        )
        await connecting.want_backfill(pool, loaded, platform, account_id, days)
        return view

    view = database.run(work, announces=True)
    print(f"{platform} account {account_id} ({name}): mode {view.mode}")


def _token(file: Path | None) -> str:
    try:
        text = file.read_text(encoding="utf-8") if file else sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The token cannot be read from {file or 'standard input'}: {error}"
        ) from error
    try:
        return token_json(read_token(text))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{file or 'Standard input'} holds no access token. {error} For example: "
            "parley accounts add facebook 1234 --name 'My page' < token.txt"
        ) from None


@app.command("mode")
def set_mode(platform: OnPlatform, account_id: AccountId, mode: Mode) -> None:
    """Sets how far Parley goes: observe, review or auto."""

    async def work(pool: Pool, tenant: str) -> None:
        account = (tenant, platform, account_id)
        await configuration.set_mode(pool, codec.load(), account, mode, actor=getpass.getuser())

    database.run(work, announces=True)
    print(f"{platform} account {account_id}: mode {mode}")


@app.command("arrival")
def set_arrival(platform: OnPlatform, account_id: AccountId, arrival: Arrival) -> None:
    """Sets by which ways comments come: both, polling (no webhooks, which is no fault), or webhook."""

    async def work(pool: Pool, tenant: str) -> None:
        account = (tenant, platform, account_id)
        await configuration.set_arrival(pool, codec.load(), account, arrival, actor=getpass.getuser())

    database.run(work, announces=True)
    print(f"{platform} account {account_id}: comments come by {arrival}")


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

    async def work(pool: Pool, tenant: str) -> None:
        if platform is not None:
            account = (tenant, platform, account_id)
            await configuration.set_status(
                pool, codec.load(), account, status, reason=reason, actor=getpass.getuser()
            )
            return
        async with pool.acquire() as connection, connection.transaction():
            if status is AccountStatus.PAUSED:
                await statuses.pause_all(connection, tenant, reason=reason, actor=getpass.getuser())
            else:
                await statuses.resume_all(connection, tenant, actor=getpass.getuser())

    database.run(work, announces=True)
    which = f"{platform} account {account_id}" if platform else "posting for all accounts"
    print(f"{which}: {status}")
