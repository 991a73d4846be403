"""The contract of a stage: what its author writes, and what the runner (`streams.runner`) promises.

A stage is one async function over typed events and one `Stage` that registers it. Reading, decoding,
batching, committing, retrying, dead-lettering, tracing, counting and shutting down belong to the runner.

What the function may do:
- **block**: await anything, for as long as it takes; it must not hold the event loop (models and files go
  through `asyncio.to_thread`).
- **be repeated**: every record arrives at least once. After a crash or a rebalance it may get the same
  records again, so its effects must be idempotent. It may also be called again with a part of a batch.
- **be cancelled**: when partitions are revoked or the process drains, a call that is too slow is cancelled
  and its records go to whoever owns them next.
- **raise**, and the type decides (`schemas.errors`):
  `TransientError` (and the operating system's `OSError`, `TimeoutError`): called again after a pause, for
  ever; the stage holds its partitions and reports itself degraded. Everything else is poison for the record
  that raised it: the batch is halved until that record stands alone, which goes to `dead.letters`.
  `ConfigurationError`, `EnvironmentFault` and `StageHalted` end the process with their exit code.

What it must not assume: that a batch holds one partition, one topic or different keys; that records of
different keys come in any order (those of one key do); that it runs in one process only.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from schemas import headers as header
from schemas.errors import ConfigurationError, PoisonError
from schemas.events import EVENTS
from schemas.records import Event
from schemas.topics import Topic

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Input(Generic[E_co]):
    """One record, decoded. `timestamp` is when the broker or its producer stamped it (aware UTC)."""

    event: E_co
    key: str
    headers: Mapping[str, bytes]
    topic: str
    partition: int
    offset: int
    timestamp: datetime

    @property
    def replay(self) -> bool:
        """True if the record was fed in again by an operator."""
        return header.REPLAY in self.headers

    @property
    def posting_allowed(self) -> bool:
        """False for replayed records, unless whoever replayed them allowed posting."""
        return self.headers.get(header.REPLAY, header.REPLAY_ALLOW_POSTING) == header.REPLAY_ALLOW_POSTING


@dataclass(frozen=True, slots=True)
class Output:
    """An event for another topic. The runner encodes it, passes headers on, sends it and awaits it."""

    topic: Topic
    key: str
    event: Event


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record: its outputs, the name it is counted under, or why it is dead.

    `dead` sends the record to the dead letters without raising, which spares the halving of the batch;
    `outputs` must then be empty.
    """

    outputs: tuple[Output, ...] = ()
    outcome: str = "done"
    dead: PoisonError | None = None


@dataclass(frozen=True, slots=True)
class Batches:
    """Micro-batches: up to `size` records, or what came `within` seconds."""

    size: int = 256
    within: float = 0.05


@dataclass(frozen=True, slots=True)
class Window:
    """Single records, up to `in_flight` at once; for slow calls. Outputs go out as each record finishes."""

    in_flight: int = 256


BatchProcess = Callable[[Sequence[Input[Any]]], Awaitable[Sequence[Result]]]
"""Takes a batch, gives one result for each record, in order."""

OneProcess = Callable[[Input[Any]], Awaitable[Result]]
"""Takes one record, gives its result."""

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage and what it needs.

    `name`: a word; the consumer group is `<prefix>.<name>`, metrics and dead letters carry it.
    `reads`: its topics; the event class follows from each topic's schema.
    `process`: a `BatchProcess` for `Batches`, a `OneProcess` for `Window`.
    `acknowledged`: called with records after their offsets were committed (duplicate caches); must not
    block or raise; records of a crashed process are never reported.
    `start`, `stop`: awaited in the runner's event loop before the first and after the last record.
    """

    name: str
    reads: tuple[Topic, ...]
    process: BatchProcess | OneProcess
    shape: Batches | Window = Batches()
    acknowledged: Callable[[Sequence[Input[Any]]], None] | None = None
    start: Hook | None = None
    stop: Hook | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ConfigurationError(f"stage name {self.name!r}: use letters, digits and underscores")
        if not self.reads:
            raise ConfigurationError(f"stage {self.name} reads no topic")
        for topic in self.reads:
            if topic.schema not in EVENTS:
                raise ConfigurationError(f"stage {self.name}: topic {topic.name} has no known schema")

    def event_class(self, topic: str) -> type[Event]:
        """The class of the events of one of its topics."""
        return next(EVENTS[each.schema] for each in self.reads if each.name == topic)
