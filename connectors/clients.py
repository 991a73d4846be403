"""The clients of connected accounts: one HTTP pool a process, one client an account and token."""

import contextlib
from collections.abc import AsyncIterator

import httpx

from connectors.accounts import Account
from connectors.catalogue import CONNECTORS
from connectors.logins import Granted, Login, Token
from connectors.platform import Connector, PlatformClient
from connectors.tokens import read_token
from infra.settings import Settings
from schemas.errors import ConfigurationError
from schemas.events import Platform


class Clients:
    """Makes and keeps clients; given to whoever posts or polls."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http = http
        self._settings = settings
        self._made: dict[Account, tuple[str, PlatformClient]] = {}

    def client(self, account: Account, token: str) -> PlatformClient:
        """The account's client; the same one, with what it knows of usage, as long as the token is the same.

        `token`: as it is stored (`connectors.tokens`).

        Raises ConfigurationError if there is no connector for the platform, or the token cannot be one.
        """
        known = self._made.get(account)
        if known is not None and known[0] == token:
            return known[1]
        access = read_token(token).access
        made = _connector(account.platform).client(account, access, self._http, self._settings)
        self._made[account] = (token, made)
        return made

    def login(self, platform: Platform) -> Login:
        """How access to the platform's accounts is given and kept; raises ConfigurationError."""
        return _connector(platform).login(self._settings)

    async def exchange(
        self, platform: Platform, *, code: str, redirect_uri: str, verifier: str
    ) -> tuple[Granted, ...]:
        """The accounts that a person's consent opens; see `Login.exchange`."""
        login = self.login(platform)
        return await login.exchange(self._http, code=code, redirect_uri=redirect_uri, verifier=verifier)

    async def refresh(self, platform: Platform, token: Token) -> Token | None:
        """A token that lasts longer, to be stored before it is used; None where nothing can be refreshed."""
        return await self.login(platform).refresh(self._http, token)


def _connector(platform: Platform) -> Connector:
    connector = CONNECTORS.get(platform)
    if connector is None:
        raise ConfigurationError(
            f"There is no connector for {platform}; this release has {', '.join(CONNECTORS)}."
        )
    return connector


@contextlib.asynccontextmanager
async def open_clients(settings: Settings) -> AsyncIterator[Clients]:
    """Clients over one pool of connections, closed at the end.

    Connecting and waiting for a free connection have a third of the posting timeout each, so that a call
    which never left is known as such before its whole time is up.
    """
    timeout = settings.posting_timeout
    async with httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=timeout / 3, pool=timeout / 3),
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=30),
        headers={"User-Agent": "parley", "Accept-Encoding": "identity"},
        trust_env=False,
        proxy=settings.http_proxy,
    ) as http:
        yield Clients(http, settings)
