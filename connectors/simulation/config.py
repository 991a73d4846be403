"""What every simulator can be told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """Settings that all simulators share.

    `scale` makes it faster than life: limits per time are multiplied by it, and durations (blocks, the
    retries of deliveries) divided; 1 is life. A journal and reports should state it.
    `first_id`: ids count up from it, by default from the present microsecond, so that two runs never share
    an id. `gather_seconds`: a delivery that would follow another sooner waits for more changes; one that
    would not is sent at once. `hang_seconds`: how long an answer that never comes stays open.
    """

    posts: int = 20
    callback_url: str | None = None
    journal: Path | None = None
    scale: float = 1.0
    changes_per_delivery: int = 50
    deliveries_at_once: int = 4
    gather_seconds: float = 0.05
    delivery_timeout: float = 20.0
    hang_seconds: float = 60.0
    first_id: int | None = None
