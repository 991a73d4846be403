"""Counting what a rate limit counts."""

from collections import deque
from typing import Final

_SLOTS: Final = 60


class Window:
    """Counts events of the last `seconds`, to a sixtieth of it."""

    def __init__(self, seconds: float) -> None:
        self._slot = seconds / _SLOTS
        self._counts: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, now: float) -> None:
        """Counts one event; `now` never goes back."""
        slot = int(now / self._slot)
        if self._counts and self._counts[-1][0] == slot:
            self._counts[-1] = (slot, self._counts[-1][1] + 1)
        else:
            self._counts.append((slot, 1))
        self._total += 1

    def total(self, now: float) -> int:
        """The events within the window."""
        oldest = int(now / self._slot) - _SLOTS
        while self._counts and self._counts[0][0] <= oldest:
            self._total -= self._counts.popleft()[1]
        return self._total
