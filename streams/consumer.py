"""Faust's consumer with its losses, repeats and stalls overridden; `streams.transport` says which and why."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol, cast

from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from infra import logs
from schemas.errors import ConfigurationError
from streams.time_limit import STUCK_AFTER, ends_process_after

COMMIT_LIMIT: Final = 5.0
"""Seconds that a revocation waits for its commit; work that is not committed is repeated, not lost."""

EVICTIONS: Final = (3, 60.0)
"""So many evictions of a static member, in so many seconds, mean that another process has its id."""

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

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Every partition back to its committed position, or to its beginning where none is committed.

        aiokafka leaves the latter (and those committed at 0) where reading stands: what was read around a
        rebalance and dropped would not be read again.
        """
        return cast(Mapping[TP, int], await self.call_thread(self._rewind))

    async def _rewind(self) -> Mapping[TopicPartition, int | None]:
        consumer = self._ensure_consumer()
        if not consumer.assignment():  # revoked meanwhile; who gets partitions begins at their positions
            return {}
        committed = cast(Mapping[TopicPartition, int | None], await consumer.seek_to_committed())
        if unread := consumer.assignment() & {tp for tp, offset in committed.items() if not offset}:
            await consumer.seek_to_beginning(*unread)
        return committed

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust's guesses about stalls go stale; `streams.health` has its own."""


class Consumer(driver.Consumer):
    """See `streams.transport`. `app` is a `streams.transport.App`."""

    app: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unacked_messages = _Untracked()  # type: ignore[assignment]
        self._finished: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._committing = asyncio.Lock()
        self._evicted: list[float] = []
        self._seeks = 0

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

    async def perform_seek(self) -> None:
        """As Faust's, and counted."""
        await super().perform_seek()
        self._seeks += 1

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        """Records; none where the positions were set while they were read.

        Nobody can say then whether they lie before or behind those positions: they are read again.
        """
        seeks = self._seeks
        records = await super()._getmany(active_partitions, timeout)
        if records and seeks != self._seeks:
            await self.perform_seek()
            return {}
        return records

    async def _drain_messages(self, fetcher: Any) -> None:
        deliver = self.callback
        while not (self.should_stop or fetcher.should_stop):
            async for _tp, message in self.getmany(timeout=1.0):
                await deliver(message)
            await asyncio.sleep(0)
