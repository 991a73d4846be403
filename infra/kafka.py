"""Kafka outside of Faust: one idempotent producer, topic creation, reachability.

`Publisher.publish` returns only after the broker has acknowledged every record, or raises TransientError.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)

from infra import logs
from schemas.codec import Codec
from schemas.errors import EnvironmentFault, InvalidEventError, TransientError
from schemas.records import Event
from schemas.topics import Topic

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record to publish."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


def message(
    codec: Codec, topic: Topic, key: str, event: Event, headers: Mapping[str, bytes] | None = None
) -> Message:
    """The record of an event; raises InvalidEventError if it does not fit its schema."""
    return Message(topic=topic.name, key=key, value=codec.encode(event), headers=headers or {})


NewProducer = Callable[[], Awaitable[AIOKafkaProducer]]
"""Makes and starts a producer; raises KafkaError if no broker answers."""


class Publisher:
    """Sends records and waits for their acknowledgement (`acks=all`, idempotent)."""

    def __init__(
        self, producer: AIOKafkaProducer, *, timeout: float = 30, renew: NewProducer | None = None
    ) -> None:
        """`renew` makes the producer that takes the place of one that the broker refuses for good."""
        self._producer = producer
        self._timeout = timeout
        self._renew = renew
        self._renewing = asyncio.Lock()
        self._refused: AIOKafkaProducer | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    async def publish(self, messages: Iterable[Message]) -> None:
        """Returns once every record is acknowledged; raises TransientError if any is not.

        Raises InvalidEventError for a record that is larger than the producer or its topic takes.
        After an error some of the records may have been written: callers send all of them again.
        """
        producer = self._producer
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._usable()
                deliveries = [
                    await producer.send(
                        item.topic, item.value, key=item.key.encode(), headers=list(item.headers.items())
                    )
                    for item in messages
                ]
                for outcome in await asyncio.gather(*deliveries, return_exceptions=True):
                    if isinstance(outcome, BaseException):
                        raise outcome
        except MessageSizeTooLargeError as error:  # would be refused again for ever
            raise InvalidEventError(f"too large for Kafka: {error}") from error
        except (KafkaError, TimeoutError) as error:
            if isinstance(error, KafkaError) and not error.retriable:
                self._refused = producer
            raise TransientError(f"Kafka did not acknowledge: {type(error).__name__}: {error}") from error

    async def stop(self) -> None:
        """Sends what waits, for 10 s at most."""
        await asyncio.gather(_stop(self._producer), *self._stopping)

    async def _usable(self) -> AIOKafkaProducer:
        """The producer, or a new one after an error that would come again and again.

        A batch that expired while the broker was away leaves a gap in an idempotent producer's numbers: the
        broker refuses all that comes behind it (OutOfOrderSequenceNumber) for as long as the producer lives.
        """
        async with self._renewing:
            if self._renew is not None and self._refused is self._producer:
                spent, self._producer = self._producer, await self._renew()
                log.warning("the producer was replaced: the broker refuses what it sends")
                stopping = asyncio.create_task(_stop(spent))
                self._stopping.add(stopping)
                stopping.add_done_callback(self._stopping.discard)
            return self._producer


@contextlib.asynccontextmanager
async def open_publisher(bootstrap: str, *, linger_ms: int = 5) -> AsyncIterator[Publisher]:
    """A started publisher, flushed and stopped at the end; raises EnvironmentFault if no broker answers."""

    async def started() -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=linger_ms,
            request_timeout_ms=20_000,
            max_request_size=2_000_000,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    try:
        publisher = Publisher(await started(), renew=started)
    except KafkaError as error:
        raise unreachable(bootstrap, error) from error
    try:
        yield publisher
    finally:
        await publisher.stop()


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(producer.stop(), 10)


def unreachable(bootstrap: str, error: Exception) -> EnvironmentFault:
    """The error that tells a person what to do when no broker answers."""
    return EnvironmentFault(
        f"No Kafka broker answers at {bootstrap} ({type(error).__name__}: {error}). "
        "Check KAFKA_BOOTSTRAP_SERVERS and that the broker runs; unset it to use the embedded broker."
    )


@contextlib.asynccontextmanager
async def open_admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client; raises EnvironmentFault if no broker answers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=20_000)
    try:
        await admin.start()
    except KafkaError as error:
        await admin.close()
        raise unreachable(bootstrap, error) from error
    try:
        yield admin
    finally:
        await admin.close()


async def partitions_of(bootstrap: str, topic: str) -> list[int]:
    """The topic's partitions; raises EnvironmentFault if it does not exist or no broker answers.

    Asked of the admin client: a consumer knows the partitions of topics it is subscribed to only.
    """
    async with open_admin(bootstrap) as admin:
        described = (await admin.describe_topics([topic]))[0]
    if described["error_code"] or not described["partitions"]:
        raise EnvironmentFault(f"There is no topic {topic}. `parley topics create` makes what is missing.")
    return sorted(each["partition"] for each in described["partitions"])


async def create_topics(
    bootstrap: str, topics: Sequence[Topic], *, partitions: int | None = None, replication_factor: int = 1
) -> list[str]:
    """Creates those of `topics` that do not exist; returns their names.

    `partitions` replaces the catalogue's number for topics that have several. Raises EnvironmentFault with
    the broker's reason for a topic it refuses.
    """
    async with open_admin(bootstrap) as admin:
        existing = set(await admin.list_topics())
        wanted = [topic for topic in topics if topic.name not in existing]
        if not wanted:
            return []
        response = await admin.create_topics(
            [
                NewTopic(
                    name=topic.name,
                    num_partitions=partitions if partitions and topic.partitions > 1 else topic.partitions,
                    replication_factor=replication_factor,
                    topic_configs=dict(topic.settings),
                )
                for topic in wanted
            ]
        )
        for name, code, *reason in response.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise EnvironmentFault(
                    f"Kafka refused to create topic {name}: {for_code(code).__name__} "
                    f"{(reason or ['']).pop()}. "
                    "Check PARLEY_TOPIC_REPLICATION_FACTOR against the number of brokers, "
                    "and the user's rights."
                )
        await _until_visible(admin, {topic.name for topic in wanted})
        await _until_groups_can_meet(admin)
        return [name for name, code, *_ in response.topic_errors if code == 0]


async def _until_visible(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """Waits until the broker shows the topics: it learns a little later than it answers."""
    with contextlib.suppress(TimeoutError):  # clients find it by themselves then
        async with asyncio.timeout(10):
            while not names <= set(await admin.list_topics()):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.02)


async def _until_groups_can_meet(admin: AIOKafkaAdminClient) -> None:
    """Has a new broker make the topic of groups' offsets, and waits for it: consumers would log errors."""
    with contextlib.suppress(TimeoutError, KafkaError):  # they wait for it by themselves then
        async with asyncio.timeout(10):
            while True:
                try:
                    await admin.find_coordinator("parley")
                    return
                except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError):
                    await asyncio.sleep(0.05)
