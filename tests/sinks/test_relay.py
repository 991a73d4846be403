"""The outbox relay: every row once and in order, unmarked until Kafka has it."""

import asyncio
from collections.abc import Iterable

import pytest

from infra.kafka import Message
from infra.postgres import Pool
from schemas import codec, topics
from schemas.errors import InvalidEventError, TransientError
from schemas.events import Decision
from sinks import relay as relaying
from sinks.outbox import enqueue, enqueue_all
from sinks.relay import Relay
from tests.sinks.story import Story


class FakeKafka:
    """Remembers what it acknowledged; refuses while `away`."""

    def __init__(self) -> None:
        self.acknowledged: list[Message] = []
        self.away = False
        self.too_large: str | None = None
        self.arrived = asyncio.Event()

    async def publish(self, messages: Iterable[Message]) -> None:
        await asyncio.sleep(0)
        batch = list(messages)
        if self.away:
            raise TransientError("no broker")
        if any(message.key == self.too_large for message in batch):
            raise InvalidEventError("too large for Kafka")
        self.acknowledged += batch
        self.arrived.set()


async def add(pool: Pool, story: Story, *numbers: int) -> None:
    async with pool.acquire() as connection, connection.transaction():
        events = [(story.comment_id(number), story.decision(number)) for number in numbers]
        await enqueue_all(
            connection, codec.load(), topics.REPLIES_DECIDED, events, {"parley-replay": b"\xff"}
        )


def keys(kafka: FakeKafka) -> list[str]:
    return [message.key for message in kafka.acknowledged]


def relay_of(pool: Pool, kafka: FakeKafka) -> Relay:
    return Relay(pool, kafka)  # type: ignore[arg-type]


async def test_rows_go_out_once_in_order_with_their_headers(pool: Pool, story: Story) -> None:
    kafka = FakeKafka()
    await add(pool, story, *range(5))
    relay = relay_of(pool, kafka)
    assert await relay.drain() == 5
    assert await relay.drain() == 0
    assert keys(kafka) == [story.comment_id(number) for number in range(5)]
    assert kafka.acknowledged[0].topic == "replies.decided"
    assert kafka.acknowledged[0].headers == {"parley-replay": b"\xff"}
    assert codec.load().decode(kafka.acknowledged[0].value, Decision) == story.decision(0)


async def test_more_rows_than_a_batch_keep_their_order(
    pool: Pool, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "BATCH", 2)
    kafka = FakeKafka()
    await add(pool, story, *range(5))
    assert await relay_of(pool, kafka).drain() == 5
    assert keys(kafka) == [story.comment_id(number) for number in range(5)]


async def test_rows_stay_unmarked_while_kafka_does_not_acknowledge(pool: Pool, story: Story) -> None:
    kafka = FakeKafka()
    kafka.away = True
    await add(pool, story, 1)
    with pytest.raises(TransientError):
        await relay_of(pool, kafka).drain()
    assert await pool.fetchval("select count(*) from outbox where published_at is null") == 1
    kafka.away = False
    assert await relay_of(pool, kafka).drain() == 1


async def test_a_row_that_kafka_never_takes_holds_nothing_else_up(pool: Pool, story: Story) -> None:
    kafka = FakeKafka()
    kafka.too_large = story.comment_id(1)
    await add(pool, story, 0, 1, 2)
    assert await relay_of(pool, kafka).drain() == 3
    assert keys(kafka) == [story.comment_id(0), story.comment_id(2)]
    kept = await pool.fetch("select key, refused from outbox where refused is not null")
    assert [tuple(row) for row in kept] == [(story.comment_id(1), "too large for Kafka")]


async def test_a_row_of_a_transaction_that_fails_is_never_published(pool: Pool, story: Story) -> None:
    kafka = FakeKafka()
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await enqueue(connection, codec.load(), topics.REPLIES_DECIDED, "key", story.decision())
        await transaction.rollback()
    assert await relay_of(pool, kafka).drain() == 0


async def test_of_two_relays_one_publishes(pool: Pool, story: Story) -> None:
    kafka = FakeKafka()
    relays = [asyncio.create_task(relay_of(pool, kafka).run()) for _ in range(2)]
    try:
        for number in range(20):
            kafka.arrived.clear()
            await add(pool, story, number)
            await asyncio.wait_for(kafka.arrived.wait(), 10)
        assert keys(kafka) == [story.comment_id(number) for number in range(20)]
    finally:
        for task in relays:
            task.cancel()
        await asyncio.gather(*relays, return_exceptions=True)


async def test_a_running_relay_holds_out_until_kafka_is_back(pool: Pool, story: Story) -> None:
    kafka = FakeKafka()
    kafka.away = True
    await add(pool, story, 1)
    running = asyncio.create_task(relay_of(pool, kafka).run())
    try:
        kafka.away = False
        await asyncio.wait_for(kafka.arrived.wait(), 10)
        assert keys(kafka) == [story.comment_id(1)]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_published_rows_are_deleted_after_a_day(pool: Pool, story: Story) -> None:
    await add(pool, story, 1, 2)
    await pool.execute("update outbox set published_at = now() - interval '25 hours' where id = 1")
    running = asyncio.create_task(relay_of(pool, kafka := FakeKafka()).run())
    try:
        await asyncio.wait_for(kafka.arrived.wait(), 10)
        async with asyncio.timeout(10):
            while await pool.fetchval("select count(*) from outbox") > 1:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
