"""What a run of posters is put through. Times of life are divided by `scale`; the HTTP timeout is not."""

import random
from dataclasses import dataclass
from typing import Final

from connectors.simulation.late import LATE_WRITE

BEHIND: Final = ("reply_without_id", "created_then_timeout", "created_then_reset", "created_then_error")
BEFORE: Final = ("error_before", "html_503", "duplicate_text")
META: Final = ("created_then_400",)
"""Faults of the contracts' catalogue by which an outcome is not what it seems, or is none. The last: where
the platform has it."""

LATE_EFFECT: Final = 30.0
LATE_LISTING: Final = 60.0
SETTLE_AFTER: Final = 120.0
"""Seconds in life: until a write takes effect after its caller gave up, until a listing shows a reply, and
for which an uncertain one must stay absent (the default of the setting)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`replies` in all, of which `waiting` at most are on their way. `posters`: (share of replies posted, how
    many processes run from then on).

    `kills` happen while a call is under way, between the first and the last tenth. At each share in `stops` a
    poster is stopped (SIGSTOP) in the middle of a call, until its leases are over. `ambiguous`: share of
    requests whose outcome is in doubt; `unlisted`: share of replies that listings show late; `removed`: share
    of comments that go just before the reply arrives; `failing`: share of reads that fail.
    `per_second`: budget of each of the four accounts.
    """

    replies: int
    waiting: int
    posters: tuple[tuple[float, int], ...]
    kills: int
    stops: tuple[float, ...]
    scale: float
    timeout: float
    per_second: float
    ambiguous: float = 0.10
    unlisted: float = 0.30
    removed: float = 0.005
    failing: float = 0.01

    @property
    def lease(self) -> float:
        """Seconds that a poster's lease lasts (`sinks.poster`)."""
        return 4 * self.timeout + 5

    def settings(self) -> dict[str, str]:
        """Of the posters."""
        return {
            "PARLEY_POSTING_TIMEOUT": str(self.timeout),
            "PARLEY_POSTING_SETTLE_AFTER": str(SETTLE_AFTER / self.scale),
            "PARLEY_STAFF_GRACE": str(30 / self.scale),
            "PARLEY_SESSION_TIMEOUT": "6",
        }

    def faults(self, catalogue: frozenset[str]) -> dict[str, tuple[float, float]]:
        """(probability, seconds) of a platform's faults by name."""
        kinds = [name for name in (*BEHIND, *BEFORE, *META, LATE_WRITE) if name in catalogue]
        found: dict[str, tuple[float, float]] = {name: (self.ambiguous / len(kinds), 0.0) for name in kinds}
        # The caller gives up after `timeout`; from then on the write may still take effect.
        found[LATE_WRITE] = (found[LATE_WRITE][0], self.timeout + LATE_EFFECT / self.scale)
        found["delayed_listing"] = (self.unlisted, LATE_LISTING / self.scale)
        found["deleted_before_reply"] = (self.removed, 0.0)
        found["read_error"] = (self.failing, 0.0)
        return found

    def strikes(self, seed: int) -> list[tuple[float, str]]:
        """(share of replies posted, "kill" or "stop") in order; the same for the same seed."""
        chance = random.Random(seed)
        kills = [(chance.uniform(0.1, 0.9), "kill") for _ in range(self.kills)]
        return sorted([*kills, *((share, "stop") for share in self.stops)])

    def told(self) -> dict[str, object]:
        """The scale, for people."""
        return {
            "time": f"1/{self.scale:g}",
            "late effect": f"{LATE_EFFECT / self.scale:g} s after the timeout",
            "late listing": f"{LATE_LISTING / self.scale:g} s",
            "settle after": f"{SETTLE_AFTER / self.scale:g} s",
            "HTTP timeout": f"{self.timeout:g} s",
            "lease": f"{self.lease:g} s",
            "replies a second and account": self.per_second,
        }


FULL: Final = Scenario(
    replies=5000,
    waiting=800,
    posters=((0.0, 2), (0.3, 4), (0.7, 3)),
    kills=20,
    stops=(0.2, 0.5, 0.8),
    scale=10,
    timeout=3,
    per_second=5,
)

SHORT: Final = Scenario(
    replies=160,
    waiting=160,
    posters=((0.0, 2), (0.5, 3)),
    kills=2,
    stops=(0.25,),
    scale=40,
    timeout=1,
    per_second=5,
)
