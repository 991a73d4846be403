"""`parley accounts connect|check`: access to accounts, given by a person's consent, and looked at."""

import asyncio
import base64
import getpass
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

import typer

from connectors.accounts import Account
from connectors.catalogue import CONNECTORS
from connectors.clients import Clients, open_clients
from connectors.platform import AccountCheck, Done, Granted, Subscribes
from connectors.polling.access import Access
from connectors.tokens import token_json
from console import configuration, seeding
from console.printing import json_line
from console.servers import Servers, open_servers, prepare
from infra import postgres, settings
from infra.postgres import Pool
from infra.settings import Settings
from replies.account import AccountView, Mode
from schemas import codec
from schemas.errors import ConfigurationError, ParleyError
from schemas.events import Platform

PORT: Final = 8765
"""Of the address that the platform sends the browser back to; to be registered with the app."""

_PATH: Final = "/callback"
_WAIT: Final = 600.0
_DONE: Final = b"Parley has what it needs; this window can be closed.\n"


def connect(
    platform: Annotated[Platform, typer.Argument(help="facebook, instagram, x or linkedin")],
    account: Annotated[
        list[str] | None, typer.Option(help="Only this account of those that the consent opens; repeatable.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="Mode of accounts that are new.")] = Mode.REVIEW,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1 that the browser comes back to.")] = PORT,
    days: Annotated[
        float | None, typer.Option(min=0, help="Days of comments to fetch; PARLEY_BACKFILL_DAYS without it.")
    ] = None,
) -> None:
    """Connects accounts: prints an address to open in a browser, and waits for the consent given there."""
    loaded = settings.load()
    with open_servers(loaded) as servers:
        asyncio.run(_connect(loaded, servers, platform, account or [], mode, port, days))


async def _connect(
    loaded: Settings,
    servers: Servers,
    platform: Platform,
    wanted: Sequence[str],
    mode: Mode,
    port: int,
    days: float | None,
) -> None:
    await prepare(servers, loaded)
    redirect = f"http://127.0.0.1:{port}{_PATH}"
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    async with open_clients(loaded) as clients, postgres.open_pool(servers.database, size=2) as pool:
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
            await save_granted(pool, loaded, platform, each, mode)
            await want_backfill(pool, loaded, platform, each.account_id, days)
            print(f"{platform} account {each.account_id} ({each.name}): connected")
            await _subscribe(clients, loaded, platform, each)
    await seeding.publish_outbox(servers)


def challenge_of(verifier: str) -> str:
    """The S256 code challenge (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def code_from_browser(url: str, port: int, state: str) -> str:
    """Prints `url`, and returns the code that the browser brings back to 127.0.0.1.

    Whoever comes with another state is sent away. Raises ConfigurationError where consent is refused, the
    port is taken, or nobody comes within ten minutes.
    """
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await asyncio.wait_for(reader.readline(), 10)).decode("latin-1").split(" ")
            where = urlsplit(line[1] if len(line) > 1 else "")
            query = parse_qs(where.query)
            rightful = (line[0], where.path) == ("GET", _PATH) and hmac.compare_digest(
                query.get("state", [""])[0].encode(), state.encode()
            )
            body = _DONE if rightful else b"This address is not for you.\n"
            head = f"HTTP/1.1 {200 if rightful else 403} -\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"Content-Type: text/plain\r\nConnection: close\r\n\r\n" + body)
            await writer.drain()
            if rightful and not found.done():
                if "code" in query:
                    found.set_result(query["code"][0])
                else:
                    told = query.get("error_description", query.get("error", ["no reason given"]))[0]
                    why = "".join(character for character in told if character.isprintable())
                    found.set_exception(ConfigurationError(f"The consent was refused: {why[:200]}"))
        except (OSError, TimeoutError, ValueError):
            pass  # a caller that broke off; the browser comes again
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(answer, "127.0.0.1", port)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} cannot be used ({error}); give another with --port."
        ) from error
    async with server:
        print(f"Open this address in a browser and consent:\n\n  {url}\n", flush=True)
        try:
            return await asyncio.wait_for(found, _WAIT)
        except TimeoutError:
            raise ConfigurationError("Nobody consented within ten minutes; run the command again.") from None


async def save_granted(
    pool: Pool, loaded: Settings, platform: Platform, granted: Granted, mode: Mode
) -> None:
    """Stores a granted account; what was configured of a known one stays."""
    try:
        view = await configuration.load_account(pool, loaded.tenant, platform, granted.account_id)
    except ConfigurationError:
        view = AccountView(
            tenant_id=loaded.tenant,
            platform=platform,
            account_id=granted.account_id,
            name=granted.name,
            brand_name=granted.name[:60],
            mode=mode,
            only_when_mentioned=CONNECTORS[platform].capabilities.replies_only_when_mentioned,
        )
    budget = await pool.fetchval(
        "select replies_per_minute from social_accounts "
        "where tenant_id = $1 and platform = $2 and account_id = $3",
        loaded.tenant,
        platform,
        granted.account_id,
    )
    await configuration.save_account(
        pool,
        codec.load(),
        view,
        token=token_json(granted.token),
        username=granted.username,
        keys=configuration.key_ring(loaded),
        replies_per_minute=loaded.replies_per_minute if budget is None else budget,
        actor=getpass.getuser(),
    )


async def want_backfill(
    pool: Pool, loaded: Settings, platform: Platform, account_id: str, days: float | None
) -> None:
    """Has the poller look at the account soon, and fetch what was written in the last days."""
    await pool.execute(
        "insert into account_polls (tenant_id, platform, account_id, backfill_since) "
        "values ($1, $2, $3, now() - make_interval(secs => $4)) "
        "on conflict (tenant_id, platform, account_id) do update set "
        "backfill_since = excluded.backfill_since, next_poll_at = now()",
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
    if isinstance(client, Subscribes):
        outcome = await client.subscribe()
        if not isinstance(outcome, Done):
            print(f"  its webhooks could not be subscribed ({outcome.reason}); polling goes on")
    if setup := CONNECTORS[platform].capabilities.webhook_setup:
        print(f"  once, for webhooks at https://<your host>/webhooks/{platform}: {setup}")


def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an account.")] = False,
) -> None:
    """Asks the platforms whether every account's token, rights and webhooks are as they must be."""
    loaded = settings.load()
    with open_servers(loaded) as servers:
        found = asyncio.run(_check(loaded, servers))
    for row in found:
        if as_json:
            print(json_line(row))
        else:
            problem = f"{row['problem']}: {row['reason']}" if row["problem"] else "in order"
            webhooks = "no webhooks, polling alone" if row["subscribed"] is False else ""
            ends = f"token until {row['expires_at']}" if row["expires_at"] else ""
            said = "; ".join(filter(None, (problem, webhooks, ends)))
            print(f"{row['platform']} {row['account_id']}: {said}")
    if any(row["problem"] for row in found):
        raise typer.Exit(1)


async def _check(loaded: Settings, servers: Servers) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    await prepare(servers, loaded)
    async with open_clients(loaded) as clients, postgres.open_pool(servers.database, size=2) as pool:
        access = Access(pool, clients, configuration.key_ring(loaded))
        rows = await pool.fetch(
            "select platform, account_id, username from social_accounts where tenant_id = $1 order by 1, 2",
            loaded.tenant,
        )
        for row in rows:
            account = Account(
                tenant_id=loaded.tenant,
                platform=Platform(row["platform"]),
                account_id=row["account_id"],
                username=row["username"],
            )
            try:
                said = await (await access.client(account)).check()
                problem = said.problem.value if said.problem else None
            except ParleyError as error:
                said, problem = AccountCheck(reason=str(error)), type(error).__name__
            found.append({
                "platform": account.platform.value,
                "account_id": account.account_id,
                "problem": problem,
                "reason": said.reason,
                "subscribed": said.subscribed,
                "expires_at": said.expires_at.isoformat() if said.expires_at else None,
            })  # fmt: skip
    return found
