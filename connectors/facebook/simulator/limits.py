"""A page's limits: how much of its hour is used, and the block for too many replies.

Source: "Rate Limits" (headers, codes; calling on while throttled extends it) and erxes' public code (a page
that wrote 60 to 84 replies a minute was blocked for hours). The hourly window is one of two readings of the
documentation.
"""

import json
from collections.abc import Callable

from connectors.facebook.simulator.config import SimulatorConfig
from connectors.simulation import Window


class Limits:
    """One page's. `clock` gives seconds and never goes back."""

    def __init__(self, config: SimulatorConfig, clock: Callable[[], float]) -> None:
        self._page_id = config.page_id
        self._clock = clock
        self._calls_allowed = config.calls_per_hour * config.scale
        self._replies_allowed = config.replies_per_minute * config.scale
        self._block = config.block_minutes * 60 / config.scale
        self._calls = Window(3600)
        self._replies = Window(60)
        self._blocked_until = 0.0

    def call(self) -> bool:
        """Counts a call; True if it is within the limit."""
        self._calls.add(self._clock())
        return self.percent <= 100

    def reply(self) -> bool:
        """Counts a reply about to be made; False if the page is blocked, by this one or an earlier one."""
        now = self._clock()
        if now < self._blocked_until:
            return False
        self._replies.add(now)
        if self._replies.total(now) > self._replies_allowed:
            self._blocked_until = now + self._block
            return False
        return True

    def unblock(self) -> None:
        """Ends a block."""
        self._blocked_until = 0.0

    @property
    def percent(self) -> float:
        """Of the hour's calls, what is used."""
        return 100 * self._calls.total(self._clock()) / self._calls_allowed

    def headers(self, *, throttled: bool = False) -> dict[str, str]:
        """Usage headers; none before one per cent is used, as in life."""
        percent = max(int(self.percent), 100 if throttled else 0)
        if percent < 1:
            return {}
        counters = {"call_count": percent, "total_cputime": percent // 2, "total_time": percent // 2}
        use = {"type": "pages", **counters, "estimated_time_to_regain_access": 1 if percent >= 100 else 0}
        return {
            "X-Page-Usage": json.dumps(counters),
            "X-Business-Use-Case-Usage": json.dumps({self._page_id: [use]}),
        }
