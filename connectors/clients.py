"""The clients of connected accounts: one HTTP pool a process, one client an account and token."""

import contextlib
from collections.abc import AsyncIterator

import httpx

from connectors.accounts import Account
from connectors.catalogue import CONNECTORS
from connectors.platform import PlatformClient
from infra.settings import Settings
from schemas.errors import ConfigurationError


class Clients:
    """Makes and keeps clients; given to whoever posts or polls."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http = http
        self._settings = settings
        self._made: dict[Account, tuple[str, PlatformClient]] = {}

    def client(self, account: Account, token: str) -> PlatformClient:
        """The account's client; the same one, with what it knows of usage, as long as the token is the same.

        Raises ConfigurationError if there is no connector for the platform, or the token cannot be one.
        """
        known = self._made.get(account)
        if known is not None and known[0] == token:
            return known[1]
        connector = CONNECTORS.get(account.platform)
        if connector is None:
            raise ConfigurationError(
                f"There is no connector for {account.platform}; this release has {', '.join(CONNECTORS)}."
            )
        made = connector.client(account, token, self._http, self._settings)
        self._made[account] = (token, made)
        return made


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
    ) as http:
        yield Clients(http, settings)
