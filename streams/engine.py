"""One stage on one Faust app: takes records off the stream and hands them to the lane of its shape."""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from aiokafka import AIOKafkaProducer
from faust.types import TP

from infra import metrics
from infra.tracing import Tracing
from schemas.codec import Codec
from streams.batch_lane import BatchLane
from streams.consumer import Consumer
from streams.dead_letters import Limits, Seal
from streams.delivery import Delivery
from streams.handling import Handling
from streams.health import StageState
from streams.reading import Reader, from_message
from streams.retrying import shown
from streams.settings import RunnerSettings
from streams.stage import Batches, Stage
from streams.transport import App, new_app
from streams.window_lane import WindowLane


class Engine:
    """Owns a stage's app, lane and state. One event loop; made, started, drained and stopped once."""

    def __init__(
        self,
        stage: Stage,
        settings: RunnerSettings,
        *,
        codec: Codec,
        tracing: Tracing,
        seal: Seal,
        fail: Callable[[BaseException], None],
    ) -> None:
        """`fail` is called with what must end the process; it must not raise."""
        self.stage = stage
        self.state = StageState(stage.name, settings.stalled_after)
        self._settings = settings
        self._fail = fail
        self._admitting = False
        self._limit = settings.revocation_limit
        self.app: App = new_app(
            group=settings.group(stage.name),
            bootstrap_servers=settings.bootstrap_servers,
            instance_id=settings.instance_id,
            session_timeout=settings.session_timeout,
            rebalance_timeout=settings.rebalance_timeout,
            buffer=settings.buffer,
            poll_records=settings.poll_records,
            owner=self,
        )
        handling = Handling(
            stage=stage,
            reader=Reader(stage, codec),
            delivery=Delivery(codec, self._producer, settings.patience, self.state),
            limits=Limits(stage.name, settings.dead_letters),
            state=self.state,
            patience=settings.patience,
            tracing=tracing,
            seal=seal,
        )
        self._lane: BatchLane | WindowLane = (
            BatchLane(handling, self)
            if isinstance(stage.shape, Batches)
            else WindowLane(handling, self, fail)
        )
        topic = self.app.topic(
            *(each.name for each in stage.reads),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )
        self.app.agent(topic, name=stage.name, concurrency=1)(self._agent)

    # --- what the lane needs: offsets ---

    @property
    def positions(self) -> Mapping[TP, int]:
        """Next offset to finish, of each partition that has finished anything."""
        return self._consumer.positions

    def finish(self, positions: Mapping[TP, int]) -> None:
        """Everything below these positions is done."""
        self._consumer.finish(positions)

    async def commit(self) -> bool:
        """Commits what is finished; False if there was nothing, or the group has moved on."""
        with shown("the broker takes no commits", self.state):
            done = await self._consumer.commit()
        metrics.COMMITS.labels(self.stage.name, "done" if done else "nothing").inc()
        return done

    # --- what the consumer asks of its owner ---

    @property
    def quiesce_limit(self) -> float:
        """Seconds that `quiesce` may take."""
        return self._limit

    async def quiesce(self) -> None:
        """Takes nothing new; finishes what is in flight, or gives it up. Never raises."""
        self._admitting = False
        # A stage that waits for something outside would wait in vain: leave its records to the next owner.
        await self._lane.quiesce(0.0 if self.state.retrying_now else self._limit)

    def resume(self, partitions: int) -> None:
        """Partitions were assigned; takes records up again."""
        self._admitting = not self.app.should_stop
        self.state.assigned = True
        self.state.partitions = partitions
        self.state.progress()
        metrics.REBALANCES.labels(self.stage.name).inc()
        metrics.PARTITIONS.labels(self.stage.name).set(partitions)

    def fail(self, error: BaseException) -> None:
        """Ends the process because of this error."""
        self._fail(error)

    # --- life ---

    async def run(self) -> None:
        """Starts the app and returns when it has stopped; raises what it crashed of."""
        if self.stage.start is not None:
            await self.stage.start()
        await self.app.start()
        await self.app.wait_until_stopped()
        if self.app.crash_reason is not None:
            raise self.app.crash_reason

    async def drain(self, seconds: float) -> None:
        """Finishes or gives up what is in flight, commits, leaves the group and stops."""
        self._limit = seconds
        if self.app.started:
            await self.quiesce()
            await self.app.stop()
        if self.stage.stop is not None:
            await self.stage.stop()

    async def start_over(self, topic: str) -> None:
        """Takes nothing more, and commits the beginning of a topic that was deleted and created again.

        What is held here belongs to the old one: its positions would pass over records of the new one. The
        process is to end then, and the next one begins where this has committed.
        """
        await self.quiesce()
        self._consumer.finish({tp: 0 for tp in self._consumer.assignment() if tp.topic == topic})
        await self.commit()

    def partitions(self) -> set[tuple[str, int]]:
        """(topic, partition) of what this stage owns now."""
        if not self.app.started or not self.state.assigned:
            return set()
        return {(tp.topic, tp.partition) for tp in self._consumer.assignment()}

    @property
    def _consumer(self) -> Consumer:
        return cast(Consumer, self.app.consumer)

    def _producer(self) -> AIOKafkaProducer:
        return cast(Any, self.app.producer)._ensure_producer()

    async def _agent(self, stream: Any) -> None:
        size, within = self._lane.take_up_to
        try:
            async for events in stream.noack_take(size, within=within):
                await self._take([event.message for event in events])
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - ends the process
            self._fail(error)
            await asyncio.Event().wait()  # an agent that ends is restarted by Faust behind the failed batch

    def _current(self, message: Any) -> bool:
        return self._admitting and message.generation_id == self.app.consumer_generation_id

    async def _take(self, messages: Sequence[Any]) -> None:
        finished = 0
        if isinstance(self._lane, BatchLane):
            current = [message for message in messages if self._current(message)]
            if current:
                self.state.in_flight = len(current)
                finished = await self._lane.take([from_message(message) for message in current])
                self.state.in_flight = 0
        else:
            for message in messages:
                still = functools.partial(self._current, message)
                if still() and await self._lane.start_one(from_message(message), still):
                    finished += 1
                self.state.in_flight = self._lane.in_flight
        metrics.IN_FLIGHT.labels(self.stage.name).set(self.state.in_flight)
        if finished < len(messages):
            metrics.DROPPED.labels(self.stage.name).inc(len(messages) - finished)
