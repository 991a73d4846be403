"""X's rate limit headers -> `Usage`.

Source: "Rate limits" of X's documentation: each endpoint has its own counter, told on every answer as
`x-rate-limit-limit`, `-remaining` and `-reset` (unix seconds); caps of 24 hours have headers of their own.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from connectors.platform import Usage

_COUNTERS: Final = ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
_IDS: Final = re.compile(r"\d+")


class Counters:
    """The latest counter of every endpoint; one that has begun anew counts no more."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._latest: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, method: str, route: str, headers: Mapping[str, str]) -> None:
        """Notes what an answer's headers (lower-case names) say; what cannot be read is taken as absent."""
        for name in _COUNTERS:
            limit, left, reset = (_number(headers.get(f"{name}-{part}")) for part in _PARTS)
            if limit and left is not None and reset is not None:
                key = (name, f"{method} {_IDS.sub('#', route.removeprefix('/2/'))}")
                self._latest[key] = (100 * (1 - min(left, limit) / limit), reset)

    @property
    def usage(self) -> Usage:
        """The worst of all; the wait is for the last of those that are used up."""
        now = self._clock()
        current = [(percent, reset - now) for percent, reset in self._latest.values() if reset > now]
        waits = [wait for percent, wait in current if percent >= 100]
        return Usage(
            percent=max((percent for percent, _ in current), default=0.0),
            regain_after=max(waits, default=None),
        )


_PARTS: Final = ("limit", "remaining", "reset")


def _number(value: str | None) -> float | None:
    return min(float(value), 1e12) if value and value.isascii() and value.isdigit() else None
