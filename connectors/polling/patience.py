"""When something that was looked at is worth another look: each time after twice the time. In memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST: Final = 100_000


class Patience:
    """Keys and when each is due again; a key never looked at is due. `first` and `longest` in seconds."""

    def __init__(
        self, first: float, longest: float, *, clock: Callable[[], float] = time.monotonic, most: int = _MOST
    ) -> None:
        """Beyond `most` keys the one not looked at for longest is forgotten, and with that due."""
        self._first = first
        self._longest = longest
        self._clock = clock
        self._most = most
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def due_at(self, key: str) -> float:
        """When the key is due, by the clock; 0 if it was never looked at."""
        return self._known.get(key, (0.0, 0.0))[0]

    def is_due(self, key: str) -> bool:
        """True if it is worth a look now."""
        return self.due_at(key) <= self._clock()

    def looked(self, key: str) -> None:
        """It was looked at now."""
        wait = min(self._known.pop(key, (0.0, self._first / 2))[1] * 2, self._longest)
        self._known[key] = (self._clock() + wait, wait)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def waiting(self) -> list[str]:
        """The keys that are not due."""
        now = self._clock()
        return [key for key, (due_at, _) in self._known.items() if due_at > now]
