"""The Faust subclasses: every place where Faust's own behaviour loses, repeats or stalls is overridden here.

Faust keeps the connection, the consumer thread, the group membership, the rebalance sequence and the stream.
What it does badly, and is replaced:

- *Offsets.* Faust commits what its acknowledgement lists suggest, which may lie behind unfinished work
  (events of an old generation are acknowledged, gaps at the head are missed). `Consumer` commits positions
  that the runner sets in delivered order (`finish`), and nothing else.
- *Revocation.* Faust drops its state before it commits. `Consumer` first lets the owner finish or give up
  what is in flight (`Owner.quiesce`), then commits within a limit, then goes on.
- *Draining.* `wait_empty` has no limit and cannot be cancelled. Ours waits for the owner, within a limit,
  and a timer in a thread of its own ends the process if even that hangs.
- *Reading.* `_drain_messages` makes two tasks a record and silently drops records of a topic that was deleted
  and created again. Ours does neither.
- *Producing.* Idempotence and `acks=all` are forced.
"""

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Protocol

import faust
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.sensors import Monitor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from infra import logs
from schemas.errors import ConfigurationError

EXIT_STUCK: Final = 76
"""Exit code of a process whose work could not be finished or given up within the limits."""

COMMIT_LIMIT: Final = 5.0
"""Seconds that a revocation waits for its commit; work that is not committed is repeated, not lost."""

EVICTIONS: Final = (3, 60.0)
"""So many evictions of a static member, in so many seconds, mean that another process has its id."""

STUCK_AFTER: Final = 30.0
"""Seconds beyond its own limit after which a quiescence ends the process."""

log = logs.get(__name__)


class Owner(Protocol):
    """What the consumer asks of the stage's engine."""

    async def quiesce(self) -> None:
        """Take nothing new; finish what is in flight, or give it up when the limit is over. Never raises."""

    def resume(self, partitions: int) -> None:
        """Partitions were assigned; take records up again."""

    def fail(self, error: BaseException) -> None:
        """Ends the process because of this error. Never raises."""

    @property
    def quiesce_limit(self) -> float:
        """Seconds that `quiesce` may take."""


@contextlib.contextmanager
def ends_process_after(seconds: float, what: str) -> Iterator[None]:
    """Ends the process with `EXIT_STUCK` if the block takes longer; works while the event loop is blocked."""

    def end() -> None:
        log.critical("took too long; the process ends", what=what, seconds=seconds, exit_code=EXIT_STUCK)
        sys.stderr.flush()
        os._exit(EXIT_STUCK)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Untracked:
    """Stands in for Faust's set of unacknowledged messages, which the runner does not use."""

    def add(self, _message: object) -> None: ...

    def discard(self, _message: object) -> None: ...

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """As Faust's, but an error reaches the caller instead of being swallowed after a log line."""
        consumer = self._ensure_consumer()
        owned = consumer.assignment()
        wanted = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if TopicPartition(tp.topic, tp.partition) in owned
        }
        if not wanted:
            return False
        try:
            await consumer.commit(wanted)
        except (CommitFailedError, IllegalStateError):
            return False  # the group has moved on; the next owner repeats this work
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust's guesses about stalls go stale; `streams.health` has its own."""


class Consumer(driver.Consumer):
    """See the module's docstring."""

    app: "App"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unacked_messages = _Untracked()  # type: ignore[assignment]
        self._finished: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._committing = asyncio.Lock()
        self._evicted: list[float] = []

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def finish(self, positions: Mapping[TP, int]) -> None:
        """Everything below these positions is done; the caller guarantees delivered order and generation."""
        self._finished.update(positions)

    @property
    def positions(self) -> Mapping[TP, int]:
        """Next offset to finish, of each partition that has finished anything."""
        return self._finished

    def ack(self, _message: Any) -> bool:
        """Nothing: positions are set by `finish` alone."""
        return False

    async def commit(self, *_topics: Any, **_options: Any) -> bool:
        """Commits the finished positions; True if the broker took something."""
        async with self._committing:
            # "!=": positions go back when a topic was deleted and created again
            new = {tp: at for tp, at in self._finished.items() if at != self._committed.get(tp)}
            if not new or not await self._thread.commit(new):
                return False
            self._committed.update(new)
            return True

    async def wait_empty(self) -> None:
        """Returns when nothing is in flight and what is finished is committed, within the limits."""
        await self._settle()

    async def _settle(self) -> None:
        owner = self.app.owner
        with ends_process_after(owner.quiesce_limit + STUCK_AFTER, f"{self.app.conf.id}: finishing work"):
            await owner.quiesce()
            try:
                await asyncio.wait_for(self.commit(), COMMIT_LIMIT)
            except TimeoutError:
                log.warning("no commit in time; the work will be repeated", group=self.app.conf.id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Settles what is in flight before Faust forgets the partitions."""
        self._notice_eviction()
        await self._settle()
        await super().on_partitions_revoked(revoked)

    def _notice_eviction(self) -> None:
        """Ends the process if somebody else takes its place in the group again and again.

        aiokafka does not tell the broker its instance id with heartbeats and commits, so a second process
        with the same id is not refused: the two throw each other out for ever.
        """
        coordinator = self._thread._ensure_consumer()._coordinator
        instance = self.app.conf.consumer_group_instance_id
        if not instance or coordinator.member_id:  # a member that only has to join anew keeps its id
            return
        now = time.monotonic()
        self._evicted = [*(at for at in self._evicted if now - at < EVICTIONS[1]), now]
        if len(self._evicted) >= EVICTIONS[0]:
            self.app.owner.fail(
                ConfigurationError(
                    f"another process uses the instance id {instance!r} in the group {self.app.conf.id}; "
                    "give each process an --instance-id of its own, or none"
                )
            )

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begins anew: positions of an earlier generation mean nothing any more."""
        self._finished.clear()
        self._committed.clear()
        await super().on_partitions_assigned(assigned, generation_id)
        self.app.owner.resume(len(assigned))

    async def _drain_messages(self, fetcher: Any) -> None:
        deliver = self.callback
        while not (self.should_stop or fetcher.should_stop):
            async for _tp, message in self.getmany(timeout=1.0):
                await deliver(message)
            await asyncio.sleep(0)


class Producer(driver.Producer):
    """Idempotent, acknowledged by all replicas."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """Makes our consumers and producers."""

    Consumer: ClassVar[type[Any]] = Consumer
    Producer: ClassVar[type[Any]] = Producer


class _Quiet(Monitor):
    """Faust's monitor without its work on every record; `infra.metrics` counts instead."""

    def on_message_in(self, *args: Any) -> None: ...
    def on_stream_event_in(self, *args: Any) -> None: ...
    def on_stream_event_out(self, *args: Any) -> None: ...
    def on_message_out(self, *args: Any) -> None: ...
    def track_tp_end_offset(self, *args: Any) -> None: ...
    def on_tp_commit(self, *args: Any) -> None: ...


class App(faust.App):
    """One Faust app for one stage: a group id belongs to an app."""

    owner: Owner

    def _create_directories(self) -> None:
        """Nothing: without tables Faust has nothing to keep on disk."""

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return Transport(self.conf.broker_producer, self)


def new_app(
    *,
    group: str,
    bootstrap_servers: str,
    instance_id: str | None,
    session_timeout: float,
    rebalance_timeout: float,
    buffer: int,
    poll_records: int,
    owner: Owner,
) -> App:
    """A configured app that has not connected yet; must be called inside the event loop it will run in."""
    app = App(
        group,
        broker=[f"kafka://{server.strip()}" for server in bootstrap_servers.split(",")],
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        processing_guarantee="at_least_once",
        stream_wait_empty=True,
        stream_buffer_maxsize=buffer,
        stream_recovery_delay=0.0,
        broker_max_poll_records=poll_records,
        broker_session_timeout=session_timeout,
        broker_heartbeat_interval=min(1.0, session_timeout / 3),
        broker_rebalance_timeout=rebalance_timeout,
        broker_request_timeout=max(40.0, session_timeout + 5),
        broker_max_poll_interval=7 * 86400.0,  # a stage may hold its partitions for as long as it must
        broker_commit_interval=86400.0,  # every batch commits; Faust's timer would only get in between
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{group}-{instance_id}" if instance_id else None,
        consumer_metadata_max_age_ms=10_000,
        producer_linger=0.005,
        producer_request_timeout=30.0,
        producer_max_request_size=4 << 20,
    )
    app.owner = owner
    app.monitor = _Quiet()
    return app
