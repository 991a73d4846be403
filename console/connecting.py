"""`parley accounts connect`: accounts that a person's consent opens, stored, backfilled and subscribed."""

import getpass
import secrets
from collections.abc import Sequence
from typing import Annotated

import typer

from connectors.accounts import Account
from connectors.catalogue import CONNECTORS
from connectors.clients import Clients, open_clients
from connectors.logins import Granted
from connectors.outcomes import Done
from connectors.subscribing import callback_of
from connectors.tokens import token_json
from console import configuration, database
from console.consent import CALLBACK_PATH, PORT, challenge_of, code_from_browser
from infra import settings
from infra.postgres import Pool
from infra.settings import Settings
from replies.account import AccountView, Mode
from schemas import codec
from schemas.arrival import Arrival
from schemas.errors import ConfigurationError
from schemas.events import Platform


def connect(
    platform: Annotated[Platform, typer.Argument(help="facebook, instagram, x or linkedin")],
    account: Annotated[
        list[str] | None, typer.Option(help="Only this account of those that the consent opens; repeatable.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="Mode of accounts that are new.")] = Mode.REVIEW,
    arrival: Annotated[
        Arrival | None, typer.Option(help="By which ways comments come; both, where nothing was said before.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1 that the browser comes back to.")] = PORT,
    days: Annotated[
        float | None, typer.Option(min=0, help="Days of comments to fetch; PARLEY_BACKFILL_DAYS without it.")
    ] = None,
) -> None:
    """Connects accounts: prints an address to open in a browser, and waits for the consent given there."""
    loaded = settings.load()
    database.run(
        lambda pool, _tenant: _connect(pool, loaded, platform, account or [], mode, arrival, port, days),
        announces=True,
    )


async def _connect(
    pool: Pool,
    loaded: Settings,
    platform: Platform,
    wanted: Sequence[str],
    mode: Mode,
    arrival: Arrival | None,
    port: int,
    days: float | None,
) -> None:
    redirect = f"http://127.0.0.1:{port}{CALLBACK_PATH}"
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    async with open_clients(loaded) as clients:
        url = clients.login(platform).authorize_url(
            redirect_uri=redirect, state=state, challenge=challenge_of(verifier)
        )
        code = await code_from_browser(url, port, state)
        granted = await clients.exchange(platform, code=code, redirect_uri=redirect, verifier=verifier)
        chosen = [each for each in granted if not wanted or each.account_id in wanted]
        if not chosen:
            opened = ", ".join(f"{each.account_id} ({each.name})" for each in granted) or "none"
            raise ConfigurationError(f"The consent opened other {platform} accounts than wanted: {opened}.")
        for each in chosen:
            ways = await save_granted(pool, loaded, platform, each, mode, arrival)
            await want_backfill(pool, loaded, platform, each.account_id, days)
            print(f"{platform} account {each.account_id} ({each.name}): connected")
            if ways.by_webhook:
                await _subscribe(clients, loaded, platform, each)


async def save_granted(
    pool: Pool, loaded: Settings, platform: Platform, granted: Granted, mode: Mode, arrival: Arrival | None
) -> Arrival:
    """Stores a granted account; what was configured of a known one stays. By which ways its comments come."""
    new = AccountView(
        tenant_id=loaded.tenant,
        platform=platform,
        account_id=granted.account_id,
        name=granted.name,
        brand_name=granted.name[:60],
        mode=mode,
        only_when_mentioned=CONNECTORS[platform].capabilities.replies_only_when_mentioned,
    )
    view, budget = await configuration.stored_or(pool, new, loaded.replies_per_minute)
    if arrival is not None:
        view = view.model_copy(update={"arrival": arrival})
    await configuration.save_account(
        pool,
        codec.load(),
        view,
        token=token_json(granted.token),
        username=granted.username,
        keys=configuration.key_ring(loaded),
        replies_per_minute=budget,
        actor=getpass.getuser(),
    )
    return view.arrival


async def want_backfill(
    pool: Pool, loaded: Settings, platform: Platform, account_id: str, days: float | None
) -> None:
    """Has the poller look at the account soon, and fetch what was written in the last days."""
    await pool.execute(
        "insert into account_polls (tenant_id, platform, account_id, backfill_since) "
        "values ($1, $2, $3, now() - make_interval(secs => $4)) "
        "on conflict (tenant_id, platform, account_id) do update set "
        "backfill_since = excluded.backfill_since, backfill_marks = null, next_poll_at = now()",
        loaded.tenant,
        platform,
        account_id,
        (loaded.backfill_days if days is None else days) * 86_400,
    )


async def _subscribe(clients: Clients, loaded: Settings, platform: Platform, granted: Granted) -> None:
    account = Account(
        tenant_id=loaded.tenant,
        platform=platform,
        account_id=granted.account_id,
        username=granted.username,
    )
    client = clients.client(account, token_json(granted.token))
    outcome = await client.subscribe()
    if not isinstance(outcome, Done):
        print(f"  its webhooks could not be subscribed ({outcome.reason}); polling goes on")
    if setup := CONNECTORS[platform].capabilities.webhook_setup:
        address = callback_of(loaded, platform) or f"https://<your host>/webhooks/{platform}"
        print(f"  once, for webhooks at {address}: {setup}")
