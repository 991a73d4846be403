"""What a chaos run does and when, from a seed. Pure."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WORKERS: Final = ("serve", "enrich", "draft-decide", "postgres", "post")
"""The processes of `parley up`; the simulator keeps the journal and is never touched."""

FIRST, LAST = 0.12, 0.75
"""Shares of the comments decided at which faults begin and end: before and after, the speed is measured."""

HELD_BACK = 0.2
"""Share of the comments that come after the last fault: else all may be decided while it still lasts."""


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "SIGKILL"
    RESTART = "SIGTERM"
    SLOW_REBALANCE = "slow batch during a rebalance"
    BROKER_AWAY = "broker stopped"
    DATABASE_AWAY = "Postgres stopped"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Happens once so many comments are decided, to this process (or server) for so many seconds."""

    decided: int
    kind: Kind
    process: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A run. `waiting`: comments that may wait for their decision at once; `poison`: one in so many is added.

    `slow_seconds`: how long a process stands still while another joins its group. `settings`: environment of
    the processes. `scale`: posting budget and simulator against life.
    """

    comments: int
    waiting: int
    kills: int
    restarts: int
    broker_seconds: float
    database_seconds: float
    slow_seconds: float
    slow: tuple[str, ...]
    poison: int = 500
    scale: float = 500.0
    settings: tuple[tuple[str, str], ...] = ()

    def faults(self, seed: int) -> list[Fault]:
        """All faults in order; the same for the same seed.

        During each server's absence a process is killed too: those kills come on top.
        """
        chance = random.Random(seed)
        made = [Fault(self._moment(chance), Kind.KILL, chance.choice(WORKERS)) for _ in range(self.kills)] + [
            Fault(self._moment(chance), Kind.RESTART, chance.choice(WORKERS)) for _ in range(self.restarts)
        ]
        made += [
            Fault(self._moment(chance), Kind.SLOW_REBALANCE, name, self.slow_seconds) for name in self.slow
        ]
        victims = [chance.choice(WORKERS) for _ in range(2)]
        made.append(Fault(self._moment(chance), Kind.BROKER_AWAY, victims[0], self.broker_seconds))
        made.append(Fault(self._moment(chance), Kind.DATABASE_AWAY, victims[1], self.database_seconds))
        return sorted(made)

    def _moment(self, chance: random.Random) -> int:
        return round(chance.uniform(FIRST, LAST) * self.comments)


FULL: Final = Scenario(
    comments=50_000,
    waiting=8_000,
    kills=20,
    restarts=10,
    broker_seconds=30,
    database_seconds=90,
    slow_seconds=20,
    slow=("enrich", "postgres"),
)

SHORT: Final = Scenario(
    comments=1_500,
    waiting=500,
    kills=5,
    restarts=2,
    broker_seconds=5,
    database_seconds=8,
    slow_seconds=8,
    slow=("enrich",),
    poison=100,
    # what a killed poster left under way is looked up sooner, and a dead member's partitions move sooner
    settings=(
        ("PARLEY_POSTING_TIMEOUT", "3"),
        ("PARLEY_POSTING_SETTLE_AFTER", "3"),
        ("PARLEY_SESSION_TIMEOUT", "6"),
    ),
)
