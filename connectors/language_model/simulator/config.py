"""What a simulated endpoint is like."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Settings of the simulator.

    `median` and `p99`: seconds until an answer, log-normal between them; both 0 answers at once.
    `requests_per_minute`, `tokens_per_minute`: what the rate-limit headers tell, buckets that fill evenly.
    `model` is the one it knows; an answer names its dated snapshot. `seed` makes latency, chance and wording
    repeatable as far as requests come in the same order. `hang_seconds`: how long a silence lasts.
    """

    key: str = "sk-simulated"
    model: str = "gpt-5.4-mini"
    snapshot: str = "gpt-5.4-mini-2026-03-17"
    journal: Path | None = None
    median: float = 1.0
    p99: float = 4.0
    requests_per_minute: float = 30_000
    tokens_per_minute: float = 150_000_000
    seed: int | None = None
    hang_seconds: float = 60.0
