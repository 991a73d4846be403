"""A circuit breaker: when most calls fail none are made for a while, then one tries. No clock of its own."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_LATEST: Final = 50
_LEAST: Final = 10


class Circuit(StrEnum):
    """`half_open`: one call is trying whether the far side is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Breaker:
    """Opens when at least half of the latest calls (10 to 50) failed; `clock` gives seconds, never backwards.

    Errors are often quicker than answers. Until 50 calls have ended, those under way count as if they will be
    answered: else a few quick errors among hundreds of calls that begin together would open it.

    It stays open for `first` seconds, twice as long after each trial that fails, at most `longest`. Every
    call that `allows` let through must end in `succeeded`, `failed` or `neutral` with what it was given.
    """

    clock: Callable[[], float]
    first: float = 2.0
    longest: float = 30.0
    _latest: deque[bool] = field(default_factory=lambda: deque(maxlen=_LATEST))
    _until: float | None = None
    _pause: float = 0.0
    _round: int = 0
    _trying: bool = False
    _under_way: int = 0

    @property
    def circuit(self) -> Circuit:
        """How it stands."""
        if self._until is None:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if self._trying else Circuit.OPEN

    def allows(self) -> int | None:
        """A ticket for one call, or None: make none now."""
        if self._until is None:
            self._under_way += 1
            return self._round
        if self._trying or self.clock() < self._until:
            return None
        self._trying = True
        return self._round

    def may_repeat(self) -> bool:
        """True if a call that failed may be made again: only while nothing is wrong with the others."""
        return self._until is None

    def succeeded(self, ticket: int) -> None:
        """The far side answered. An answer to a call from before the break closes nothing."""
        if ticket != self._round:
            return
        if self._until is None:
            self._under_way -= 1
            self._latest.append(True)
        else:
            self._close()

    def failed(self, ticket: int) -> None:
        """It did not."""
        if ticket != self._round:
            return
        if self._until is not None:
            self._open(min(self.longest, self._pause * 2))
            return
        self._under_way -= 1
        self._latest.append(False)
        known = len(self._latest)
        if known >= _LEAST and self._latest.count(False) * 2 >= min(_LATEST, known + self._under_way):
            self._open(self.first)

    def neutral(self, ticket: int) -> None:
        """The call ended without telling anything (cancelled): the next one tries."""
        if ticket != self._round:
            return
        if self._until is None:
            self._under_way -= 1
        self._trying = False

    def hold(self, seconds: float) -> None:
        """Opens it for so long, whatever the share of failures: the far side asked, or nothing can work."""
        self._open(seconds)

    def _open(self, seconds: float) -> None:
        self._pause = seconds
        self._until = self.clock() + seconds
        self._round += 1
        self._trying = False
        self._under_way = 0
        self._latest.clear()

    def _close(self) -> None:
        self._until = None
        self._round += 1
        self._trying = False
        self._under_way = 0
        self._latest.clear()
