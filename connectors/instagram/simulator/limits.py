"""How much of an account's day is used.

Source: "Rate Limits": Instagram's business use case counts 24 hours, its headers are in per cent and minutes;
error 80002.
"""

import json
from collections.abc import Callable

from connectors.instagram.simulator.config import SimulatorConfig
from connectors.simulation import Window


class Limits:
    """One account's. `clock` gives seconds and never goes back."""

    def __init__(self, config: SimulatorConfig, clock: Callable[[], float]) -> None:
        self._account_id = config.account_id
        self._allowed = config.calls_per_day * config.scale
        self._clock = clock
        self._calls = Window(86_400)

    def call(self) -> bool:
        """Counts a call; True if it is within the limit."""
        self._calls.add(self._clock())
        return self.percent <= 100

    @property
    def percent(self) -> float:
        """Of the day's calls, what is used."""
        return 100 * self._calls.total(self._clock()) / self._allowed

    def headers(self, *, throttled: bool = False) -> dict[str, str]:
        """Usage headers; none before one per cent is used, as in life."""
        percent = max(int(self.percent), 100 if throttled else 0)
        if percent < 1:
            return {}
        use = {
            "type": "instagram",
            "call_count": percent,
            "total_cputime": percent // 2,
            "total_time": percent // 2,
            "estimated_time_to_regain_access": 1 if percent >= 100 else 0,
        }
        return {"X-Business-Use-Case-Usage": json.dumps({self._account_id: [use]})}
