"""How much a language model may be asked: tokens a minute for all, tokens a month for each account. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

Key = tuple[str, str]
"""Platform and account id."""


@dataclass(slots=True)
class TokensAMinute:
    """A bucket that holds a minute's tokens and fills evenly; `clock` gives seconds, never backwards.

    What a call takes is guessed before and set right after it: the bucket may be overdrawn for a while.
    """

    a_minute: float
    clock: Callable[[], float]
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._at = self.a_minute, self.clock()

    def take(self, tokens: int) -> float:
        """Takes them and gives 0.0, or takes nothing and gives the seconds after which to ask again.

        A call that needs more than a minute's tokens is let through by a full bucket.
        """
        now = self.clock()
        self._left = min(self.a_minute, self._left + (now - self._at) * self.a_minute / 60)
        self._at = now
        short = min(tokens, self.a_minute) - self._left
        if short > 0:
            return short * 60 / self.a_minute
        self._left -= tokens
        return 0.0

    def correct(self, guessed: int, used: int) -> None:
        """Sets right what was guessed before the call."""
        self._left += guessed - used


@dataclass(slots=True)
class MonthlyBudget:
    """Tokens that each account may use in a calendar month (UTC); `known` is what is used so far.

    `known` comes from where usage is kept; what was used here and is not there yet is `spent`. An account of
    which nothing is known yet has no budget: money is not spent on a guess.
    """

    tokens: int
    _month: date | None = None
    _known: dict[Key, int] = field(default_factory=dict)
    _spent: dict[Key, int] = field(default_factory=dict)
    _ready: bool = False

    def refused(self, account: Key, now: datetime) -> str | None:
        """Why no call may be made for the account now (a fixed name), or None."""
        if self.tokens <= 0:
            return "budget_zero"
        self._turn(now)
        if not self._ready:
            return "budget_unknown"
        used = self._known.get(account, 0) + self._spent.get(account, 0)
        return "budget_spent" if used >= self.tokens else None

    def spend(self, account: Key, tokens: int, now: datetime) -> None:
        """Notes what a call used."""
        self._turn(now)
        self._spent[account] = self._spent.get(account, 0) + tokens

    def learn(self, month: date, used: Mapping[Key, int], written: Mapping[Key, int]) -> None:
        """What is kept by now of a month, and how much of it was `written` from here since the last time."""
        self._ready = True
        if self._month is not None and month != self._month:
            return
        self._month = month
        self._known.update(used)
        for account, tokens in written.items():
            left = self._spent.get(account, 0) - tokens
            if left > 0:
                self._spent[account] = left
            else:
                self._spent.pop(account, None)

    def _turn(self, now: datetime) -> None:
        month = now.date().replace(day=1)
        if month != self._month:
            self._month = month
            self._known.clear()
            self._spent.clear()
