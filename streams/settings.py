"""What the runner needs to know; composed by the composition root, never read from the environment here."""

from dataclasses import dataclass, field
from typing import Final

from schemas.errors import ConfigurationError

EXIT_UNEXPECTED: Final = 75
"""Exit code after an error nobody foresaw; nothing was skipped, a supervisor may start the process again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterLimits:
    """When dead letters mean that the deploy is broken, not the data.

    The stage halts after `consecutive` dead letters in a row, or when more than `ratio` of its last `window`
    records were dead letters (and at least `least` records were seen).
    """

    ratio: float = 0.25
    window: int = 1000
    least: int = 200
    consecutive: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Pauses between repeated calls: `first` seconds, doubling up to `longest`, each with full jitter.

    After `degraded_after` failures in a row the stage reports itself degraded; it goes on trying.
    """

    first: float = 0.2
    longest: float = 15.0
    degraded_after: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """Settings of one process of stages.

    `bootstrap_servers`: host:port, several with commas.
    `group_prefix`: the group of a stage is `<prefix>.<stage>`.
    `instance_id`: None for dynamic membership; else static membership as `<group>-<instance id>`: a restart
    within `session_timeout` moves no partitions, and two live processes must not share one.
    `rebalance_timeout`: seconds the group waits for a member; work in flight is given up after half of it.
    `drain_seconds`: how long SIGTERM waits for work in flight before it is left to the next owner.
    `base_port` + `ordinal`: where `/metrics` and `/health` listen on `host`; base port 0: nowhere.
    `stalled_after`: seconds without progress, with work waiting, after which `/health/live` fails.
    `buffer`, `poll_records`: records held in memory between Kafka and a stage, and read at once.
    """

    bootstrap_servers: str
    group_prefix: str = "parley"
    instance_id: str | None = None
    session_timeout: float = 10.0
    rebalance_timeout: float = 60.0
    drain_seconds: float = 20.0
    host: str = "127.0.0.1"
    base_port: int = 0
    ordinal: int = 0
    stalled_after: float = 60.0
    buffer: int = 4096
    poll_records: int = 200
    dead_letters: DeadLetterLimits = field(default_factory=DeadLetterLimits)
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        if not self.bootstrap_servers.strip():
            raise ConfigurationError("bootstrap_servers is empty; example: localhost:9092")
        if self.session_timeout < 1 or self.rebalance_timeout < self.session_timeout:
            raise ConfigurationError(
                f"session_timeout {self.session_timeout} s must be at least 1 and at most "
                f"rebalance_timeout {self.rebalance_timeout} s"
            )

    @property
    def revocation_limit(self) -> float:
        """Seconds that work in flight may still take when partitions are revoked."""
        return self.rebalance_timeout / 2

    @property
    def port(self) -> int:
        """Port of the health listener; 0 for none."""
        return self.base_port + self.ordinal if self.base_port else 0

    def group(self, stage: str) -> str:
        """Consumer group of a stage."""
        return f"{self.group_prefix}.{stage}"
