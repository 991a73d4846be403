"""What a simulated page is like."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Settings of the simulator.

    `scale` makes it faster than life: limits per time are multiplied by it, and durations (the block, the
    retries of deliveries) divided; 1 is life. A journal and reports should state it.
    `replies_per_minute`: above it a page is blocked (368) for `block_minutes`; the default is what erxes'
    public code found out. `calls_per_hour`: 100 % of the usage headers; `first_id`: ids count up from it, by
    default from the present microsecond, so that two runs never share an id. `gather_seconds`: a delivery
    that would follow another sooner waits for more changes; one that would not is sent at once.
    """

    page_id: str = "104000000000001"
    page_name: str = "Parley Test Page"
    page_token: str = "page-token"  # noqa: S105 - of a page that does not exist
    user_token: str = "user-token"  # noqa: S105
    app_secret: str = "app-secret"  # noqa: S105
    posts: int = 20
    callback_url: str | None = None
    journal: Path | None = None
    require_proof: bool = True
    scale: float = 1.0
    calls_per_hour: float = 4800.0
    replies_per_minute: float = 60.0
    block_minutes: float = 120.0
    changes_per_delivery: int = 50
    deliveries_at_once: int = 4
    gather_seconds: float = 0.05
    delivery_timeout: float = 20.0
    escape_markup: bool = False
    hang_seconds: float = 60.0
    first_id: int | None = None
