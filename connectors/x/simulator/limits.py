"""The account's limits: each endpoint its own, in windows of 15 minutes.

Source: "Rate limits" of X's documentation (per user).
"""

from collections.abc import Callable
from typing import Final

PER_WINDOW: Final = {
    "mentions": 300,
    "timeline": 900,
    "search": 300,
    "lookup": 900,
    "me": 75,
    "create": 100,
    "delete": 50,
    "hide": 50,
}
WINDOW: Final = 900.0


class Limits:
    """`clock` gives unix seconds; `scale` multiplies the limits."""

    def __init__(self, scale: float, clock: Callable[[], float]) -> None:
        self._scale = scale
        self._clock = clock
        self._used: dict[str, tuple[int, int]] = {}

    def call(self, endpoint: str) -> bool:
        """Counts a call; True if it is within the limit."""
        window, used = self._window(endpoint)
        self._used[endpoint] = (window, used + 1)
        return used < self._limit(endpoint)

    def headers(self, endpoint: str, *, used_up: bool = False) -> dict[str, str]:
        """What every answer tells of its endpoint."""
        window, used = self._window(endpoint)
        limit = self._limit(endpoint)
        return {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": "0" if used_up else str(max(0, limit - used)),
            "x-rate-limit-reset": str(int((window + 1) * WINDOW)),
            "x-access-level": "read-write",
        }

    def _limit(self, endpoint: str) -> int:
        return int(PER_WINDOW[endpoint] * self._scale)

    def _window(self, endpoint: str) -> tuple[int, int]:
        now = int(self._clock() / WINDOW)
        window, used = self._used.get(endpoint, (now, 0))
        return (now, used) if window == now else (now, 0)
