"""How an account slows down before the platform's limit, and waits when it was told to. No I/O.

The budget of a minute lies in Postgres (`sinks.claims`); this looks at what the platform says is used of its
own limits, with every answer.
"""

from collections.abc import Callable
from typing import Final

from connectors.platform import Usage
from sinks.leases import Place

FULL_PACE: Final = 70.0
"""Per cent of the platform's limit up to which an account uses its whole budget."""

LEAST: Final = 0.05
"""Share of the budget that is left at the limit and beyond: a trickle finds out that there is room again."""


class Pacing:
    """What one poster knows of its accounts' usage. `monotonic`: a clock in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: dict[Place, tuple[Usage, float]] = {}

    def share(self, usage: Usage) -> float:
        """The share of its budget that an account uses now: 1 up to `FULL_PACE`, `LEAST` from 100 % on."""
        left = (100.0 - usage.percent) / (100.0 - FULL_PACE)
        return min(1.0, max(LEAST, left))

    def wait(self, place: Place, usage: Usage) -> float:
        """Seconds until calls are accepted again, counted from when the platform said so; 0 if it did not."""
        seen = self._seen.get(place)
        if seen is None or seen[0] is not usage:
            seen = self._seen[place] = (usage, self._monotonic() + (usage.regain_after or 0.0))
        return max(0.0, seen[1] - self._monotonic())
