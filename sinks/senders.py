"""The platform client of an account that has replies to send: its token opened, its connector found."""

from typing import Protocol

from connectors.accounts import Account
from connectors.platform import PlatformClient
from connectors.tokens import token_context as token_context  # noqa: PLC0414 - is also this module's
from infra import logs
from infra.crypto import KeyRing
from schemas.errors import ConfigurationError
from schemas.events import Platform

log = logs.get(__name__)


class Clients(Protocol):
    """Makes and keeps clients (`connectors.clients.Clients`)."""

    def client(self, account: Account, token: str) -> PlatformClient:
        """The account's client; raises ConfigurationError if there can be none."""
        ...


class Tokened(Protocol):
    """An account with its sealed token."""

    @property
    def platform(self) -> str: ...  # noqa: D102
    @property
    def account_id(self) -> str: ...  # noqa: D102
    @property
    def token(self) -> bytes: ...  # noqa: D102
    @property
    def token_key_id(self) -> str: ...  # noqa: D102


class Senders:
    """Clients of one tenant's accounts."""

    def __init__(self, clients: Clients, keys: KeyRing, tenant: str) -> None:
        self._clients = clients
        self._keys = keys
        self._tenant = tenant
        self._refused: dict[tuple[str, str], bytes] = {}

    def of(self, account: Tokened) -> PlatformClient | None:
        """The account's client, or None, with a line in the log, where there can be none."""
        place = (account.platform, account.account_id)
        try:
            context = token_context(*place)
            token = self._keys.open(account.token, account.token_key_id, context=context).decode()
            named = Account(
                tenant_id=self._tenant, platform=Platform(account.platform), account_id=account.account_id
            )
            return self._clients.client(named, token)
        except (ConfigurationError, ValueError) as error:
            if self._refused.get(place) != account.token:
                self._refused[place] = account.token
                log.error("an account cannot post", account=place, error=str(error))
            return None
