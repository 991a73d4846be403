"""Which accounts are connected here: what the receiver asks for every delivery."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from schemas.events import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connected account.

    `account_id`: the platform's id; `username`: its handle, where own comments are told by it.
    """

    tenant_id: str
    platform: Platform
    account_id: str
    username: str | None = None


class AccountLookup(Protocol):
    """Which tenant an account of a delivery belongs to; answered from memory, never by I/O."""

    def find(self, platform: Platform, account_id: str) -> Account | None:
        """The account, or None if nobody here has connected it."""
        ...


class KnownAccounts:
    """An `AccountLookup` over a given set; `replace` swaps the set while it is in use."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self.replace(accounts)

    def replace(self, accounts: Iterable[Account]) -> None:
        """Knows these accounts from now on, and no others."""
        self._accounts = {(account.platform, account.account_id): account for account in accounts}

    def find(self, platform: Platform, account_id: str) -> Account | None:
        """The account, or None."""
        return self._accounts.get((platform, account_id))
