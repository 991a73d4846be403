"""How a person gives Parley access to accounts, and what is granted: what a platform's `login.py` keeps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An account's access; stored as JSON, encrypted. `refresh` where the platform gives one."""

    access: str
    refresh: str | None = None
    expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """An account that a login gave access to."""

    account_id: str
    name: str
    token: Token
    username: str | None = None


class Login(Protocol):
    """How a person gives Parley access to accounts (OAuth 2 with state and PKCE), and how access is kept.

    Raises AccountStopped where the platform refuses for good, TransientError where asking again may help,
    ConfigurationError where an app id or secret is missing.
    """

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Where the person's browser is sent; `challenge` is the S256 code challenge."""
        ...

    async def exchange(
        self, http: httpx.AsyncClient, *, code: str, redirect_uri: str, verifier: str
    ) -> tuple[Granted, ...]:
        """The accounts that the person's consent opens, each with its longest-lived token."""
        ...

    async def refresh(self, http: httpx.AsyncClient, token: Token) -> Token | None:
        """A token that lasts longer, to be stored before it is used; None where nothing can be refreshed."""
        ...
