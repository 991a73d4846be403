"""Where reading goes on after positions were set, on a real broker."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.types import TP

from infra.kafka import create_topics, open_admin
from schemas.topics import Topic
from streams.consumer import Consumer
from streams.transport import App, new_app

RECORDS = 20


class Owner:
    quiesce_limit = 1.0

    async def quiesce(self) -> None: ...
    def resume(self, partitions: int) -> None: ...
    def fail(self, error: BaseException) -> None:
        raise error


class Reading:
    """An app that takes everything and commits nothing of its own accord."""

    def __init__(self, app: App, topic: str) -> None:
        self.app, self.topic = app, topic
        self.taken: list[int] = []
        self._more = asyncio.Event()
        raw: dict[str, Any] = {
            "key_type": bytes,
            "value_type": bytes,
            "key_serializer": "raw",
            "value_serializer": "raw",
        }
        app.agent(app.topic(topic, **raw), name="taker", concurrency=1)(self._take)

    @property
    def consumer(self) -> Consumer:
        return cast(Consumer, self.app.consumer)

    async def _take(self, stream: Any) -> None:
        async for events in stream.noack_take(100, within=0.02):
            self.taken += [event.message.offset for event in events]
            self._more.set()

    async def until(self, count: int) -> list[int]:
        """What was taken, once it is so much."""
        async with asyncio.timeout(30):
            while len(self.taken) < count:
                self._more.clear()
                await self._more.wait()
        return self.taken


@pytest.fixture
async def reading(kafka_bootstrap: str) -> AsyncIterator[Reading]:
    """An app that has taken all records of its topic's only partition once."""
    name = f"seeks.{uuid.uuid4().hex[:8]}"
    await create_topics(kafka_bootstrap, [Topic(name=name, schema="comment_event", partitions=1)])
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    for number in range(RECORDS):
        await producer.send_and_wait(name, str(number).encode(), partition=0)
    await producer.stop()
    app = new_app(
        group=f"group.{name}",
        bootstrap_servers=kafka_bootstrap,
        instance_id=None,
        session_timeout=6.0,
        rebalance_timeout=10.0,
        buffer=4096,
        poll_records=500,
        owner=Owner(),
    )
    made = Reading(app, name)
    await app.start()
    assert await made.until(RECORDS) == list(range(RECORDS))
    made.taken.clear()
    yield made
    await app.stop()


async def _commit(reading: Reading, bootstrap: str, offset: int) -> None:
    reading.consumer.finish({TP(reading.topic, 0): offset})
    assert await reading.consumer.commit()
    async with open_admin(bootstrap) as admin:
        found = await admin.list_consumer_group_offsets(f"group.{reading.topic}")
    assert found == {TopicPartition(reading.topic, 0): OffsetAndMetadata(offset, "")}


async def test_without_a_committed_offset_it_goes_back_to_the_beginning(reading: Reading) -> None:
    await reading.consumer.perform_seek()
    assert await reading.until(RECORDS) == list(range(RECORDS))


@pytest.mark.parametrize("offset", [0, 7])
async def test_with_a_committed_offset_it_goes_back_there(
    reading: Reading, kafka_bootstrap: str, offset: int
) -> None:
    await _commit(reading, kafka_bootstrap, offset)
    await reading.consumer.perform_seek()
    assert await reading.until(RECORDS - offset) == list(range(offset, RECORDS))


async def test_records_that_were_read_while_positions_were_set_are_read_again_in_order(
    reading: Reading, kafka_bootstrap: str
) -> None:
    """They come from behind the new position: taken as they are, the commit would pass over those before."""
    consumer, thread = reading.consumer, reading.consumer._thread
    await _commit(reading, kafka_bootstrap, 5)
    read, go_on = asyncio.Event(), asyncio.Event()
    fetched = thread.getmany

    async def slow(active_partitions: Any, timeout: float) -> Any:
        records = await fetched(active_partitions, timeout)
        if records and not read.is_set():
            read.set()
            await go_on.wait()
        return records

    thread.getmany = slow  # type: ignore[method-assign]
    await consumer._thread.call_thread(_seek, thread, reading.topic, 12)
    await read.wait()
    await consumer.perform_seek()
    go_on.set()
    assert await reading.until(RECORDS - 5) == list(range(5, RECORDS))


async def _seek(thread: Any, topic: str, offset: int) -> None:
    thread._ensure_consumer().seek(TopicPartition(topic, 0), offset)


async def test_with_all_partitions_revoked_there_is_nothing_to_go_back_in(reading: Reading) -> None:
    thread = reading.consumer._thread
    thread._ensure_consumer().unsubscribe()
    await reading.consumer.perform_seek()
