"""How long answers take, and how much may be asked a minute."""

import math
import random
from collections.abc import Callable
from typing import Final

_P99: Final = 2.3263478740408408
"""The 99th percentile of the standard normal distribution."""


class Latency:
    """Log-normal: half of the answers take less than `median` seconds, one in a hundred more than `p99`."""

    def __init__(self, median: float, p99: float, random_: random.Random) -> None:
        self._random = random_
        self.set(median, p99)

    def set(self, median: float, p99: float) -> None:
        """Changes it; raises ValueError unless 0 < median <= p99, or both are 0."""
        if not (0 < median <= p99 < math.inf or median == p99 == 0):
            raise ValueError("latency: give 0 < median <= p99 in seconds, or 0 for both")
        self._at_once = median == 0
        if not self._at_once:
            self._middle, self._spread = math.log(median), math.log(p99 / median) / _P99

    def draw(self) -> float:
        """Seconds until the next answer."""
        return 0.0 if self._at_once else self._random.lognormvariate(self._middle, self._spread)


class Bucket:
    """So many a minute, filled evenly; `clock` gives seconds and never goes back."""

    def __init__(self, a_minute: float, clock: Callable[[], float]) -> None:
        self.a_minute = a_minute
        self._clock = clock
        self._left = a_minute
        self._at = clock()

    def left(self) -> float:
        """What may be taken now."""
        now = self._clock()
        self._left = min(self.a_minute, self._left + (now - self._at) * self.a_minute / 60)
        self._at = now
        return self._left

    def take(self, amount: float) -> float:
        """Takes it and gives 0, or takes nothing and gives the seconds until it could."""
        short = amount - self.left()
        if short > 0:
            return short * 60 / self.a_minute
        self._left -= amount
        return 0.0

    def full_in(self) -> float:
        """Seconds until all may be taken again."""
        return (self.a_minute - self.left()) * 60 / self.a_minute


def go_duration(seconds: float) -> str:
    """A time as the reset headers write it: 12ms, 1s, 6m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
