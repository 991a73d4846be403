"""Kafka outside of Faust, on a real broker: topics as the catalogue says; acknowledged or an error."""

import asyncio
import contextlib
import dataclasses
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from infra import kafka
from infra.kafka import Message, Publisher
from schemas import codec, topics
from schemas.errors import EnvironmentFault, InvalidEventError, TransientError
from schemas.events import Platform, PostEvent
from schemas.topics import Topic

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def renamed(topic: Topic) -> Topic:
    """A catalogue topic under a name that no other test uses."""
    return dataclasses.replace(topic, name=f"{topic.name}.{uuid.uuid4().hex[:8]}")


@pytest.fixture
async def topic(kafka_bootstrap: str) -> Topic:
    """A new topic of posts with one partition, with Kafka's own largest record."""
    name = f"posts.{uuid.uuid4().hex[:8]}"
    made = Topic(name=name, schema="post_event", partitions=1, settings={"max.message.bytes": "1048588"})
    await kafka.create_topics(kafka_bootstrap, [made])
    return made


async def read(bootstrap: str, topic: str, count: int) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
    """The first records of partition 0 as (key, value, headers)."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        async with asyncio.timeout(15):
            records = [await consumer.getone() for _ in range(count)]
    return [(record.key, record.value, dict(record.headers)) for record in records]


async def test_the_whole_catalogue_is_created_once_and_with_its_settings(kafka_bootstrap: str) -> None:
    catalogue = [renamed(each) for each in topics.ALL.values()]
    assert await kafka.create_topics(kafka_bootstrap, catalogue, partitions=3) == [
        each.name for each in catalogue
    ]
    assert await kafka.create_topics(kafka_bootstrap, catalogue) == []
    async with kafka.open_admin(kafka_bootstrap) as admin:
        described = {
            each["topic"]: each for each in await admin.describe_topics([each.name for each in catalogue])
        }
        answers = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, each.name) for each in catalogue]
        )
    applied = {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
    }
    for each in catalogue:
        assert len(described[each.name]["partitions"]) == (3 if each.partitions > 1 else 1)
        assert {name: applied[each.name][name] for name in each.settings} == each.settings


async def test_only_missing_topics_are_created(kafka_bootstrap: str) -> None:
    one, other = renamed(topics.COMMENTS_RAW), renamed(topics.COMMENTS_RAW)
    assert await kafka.create_topics(kafka_bootstrap, [one]) == [one.name]
    assert await kafka.create_topics(kafka_bootstrap, [one, other]) == [other.name]


async def test_two_that_create_the_same_topic_at_once_both_succeed(kafka_bootstrap: str) -> None:
    wanted = renamed(topics.COMMENTS_RAW)
    made = await asyncio.gather(*(kafka.create_topics(kafka_bootstrap, [wanted]) for _ in range(3)))
    assert [name for names in made for name in names] == [wanted.name]
    async with kafka.open_admin(kafka_bootstrap) as admin:
        assert wanted.name in await admin.list_topics()


async def test_more_replicas_than_brokers_are_told_with_the_setting_to_change(kafka_bootstrap: str) -> None:
    wanted = renamed(topics.COMMENTS_RAW)
    with pytest.raises(EnvironmentFault, match=rf"topic {wanted.name}: InvalidReplicationFactor") as caught:
        await kafka.create_topics(kafka_bootstrap, [wanted], replication_factor=9)
    assert "PARLEY_TOPIC_REPLICATION_FACTOR" in str(caught.value)


async def test_a_broker_that_is_not_there_is_told_with_what_to_check() -> None:
    advice = "No Kafka broker answers at 127.0.0.1:1 .*Check KAFKA_BOOTSTRAP_SERVERS"
    with pytest.raises(EnvironmentFault, match=advice):
        async with kafka.open_publisher("127.0.0.1:1"):
            pass
    with pytest.raises(EnvironmentFault, match=advice):
        await kafka.create_topics("127.0.0.1:1", [topics.COMMENTS_RAW])


async def test_what_publish_returned_for_is_in_the_log_with_key_and_headers(
    kafka_bootstrap: str, topic: Topic
) -> None:
    event = PostEvent(
        tenant_id="t", platform=Platform.X, account_id="ä", platform_post_id="p", observed_at=NOW
    )
    message = kafka.message(codec.load(), topic, "ключ", event, {"parley-replay": b"replay"})
    async with kafka.open_publisher(kafka_bootstrap) as publisher:
        await publisher.publish([message, message])
        records = await read(kafka_bootstrap, topic.name, 2)
    for key, value, headers in records:
        assert key.decode() == "ключ"
        assert codec.load().decode(value, PostEvent) == event
        assert headers == {"parley-replay": b"replay"}


async def test_records_of_one_key_keep_their_order(kafka_bootstrap: str, topic: Topic) -> None:
    async with kafka.open_publisher(kafka_bootstrap) as publisher:
        await publisher.publish(
            Message(topic=topic.name, key="one", value=str(number).encode()) for number in range(500)
        )
    values = [int(value) for _, value, _ in await read(kafka_bootstrap, topic.name, 500)]
    assert values == list(range(500))


async def test_publishing_nothing_returns_at_once(kafka_bootstrap: str) -> None:
    async with kafka.open_publisher(kafka_bootstrap) as publisher:
        await publisher.publish([])


async def test_an_unfit_event_is_refused_before_anything_is_sent(topic: Topic) -> None:
    unfit: Any = b"p"
    event = PostEvent(
        tenant_id="t",
        platform=Platform.X,
        account_id="a",
        platform_post_id=unfit,
        observed_at=NOW,
    )
    with pytest.raises(InvalidEventError, match="platform_post_id"):
        kafka.message(codec.load(), topic, "key", event)


@pytest.mark.parametrize("size", [1_500_000, 3_000_000], ids=["for the topic", "for the producer"])
async def test_a_record_that_is_too_large_is_not_tried_for_ever(
    kafka_bootstrap: str, topic: Topic, size: int
) -> None:
    async with kafka.open_publisher(kafka_bootstrap) as publisher:
        with pytest.raises(InvalidEventError, match="too large for Kafka"):
            await publisher.publish([Message(topic=topic.name, key="k", value=os.urandom(size))])
        await publisher.publish([Message(topic=topic.name, key="k", value=b"small")])
    assert (await read(kafka_bootstrap, topic.name, 1))[0][1] == b"small"


async def test_without_an_acknowledgement_in_time_publish_raises(kafka_bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all") as producer:
        with pytest.raises(TransientError, match="Kafka did not acknowledge"):
            await Publisher(producer, timeout=0).publish([Message(topic="posts.raw", key="k", value=b"v")])


@pytest.mark.chaos
async def test_a_broker_that_dies_is_a_transient_error(tmp_path: Path) -> None:
    from infra.embedded.stack import EmbeddedStack
    from infra.settings import Settings

    given = Settings()
    stack = EmbeddedStack(
        tmp_path / "stack", postgres=False, cache_dir=given.cache_dir, jars_dir=given.kafka_jars_dir
    )
    endpoints = await asyncio.to_thread(stack.acquire)
    topic = Topic(name="posts", schema="post_event", partitions=1)
    try:
        await kafka.create_topics(endpoints.kafka, [topic])
        producer = AIOKafkaProducer(bootstrap_servers=endpoints.kafka, acks="all")
        await producer.start()
        publisher = Publisher(producer, timeout=2)
        await publisher.publish([Message(topic="posts", key="k", value=b"before")])
        await asyncio.to_thread(stack.release)
        with pytest.raises(TransientError, match="Kafka did not acknowledge"):
            await publisher.publish([Message(topic="posts", key="k", value=b"after")])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(producer.stop(), 1)
    finally:
        await asyncio.to_thread(stack.release)


async def test_a_producer_that_the_broker_refuses_for_good_is_replaced(
    kafka_bootstrap: str, topic: Topic
) -> None:
    """As after a broker's absence that outlasted a batch: its number is missing, nothing behind it goes."""
    async with kafka.open_publisher(kafka_bootstrap) as publisher:
        await publisher.publish([Message(topic=topic.name, key="k", value=b"1")])
        numbers: Any = publisher._producer._txn_manager
        numbers.increment_sequence_number(TopicPartition(topic.name, 0), 3)
        with pytest.raises(TransientError, match="OutOfOrderSequenceNumber"):
            await publisher.publish([Message(topic=topic.name, key="k", value=b"2")])
        await asyncio.gather(
            *(publisher.publish([Message(topic=topic.name, key="k", value=b"3")]) for _ in range(5))
        )
    assert [value for _, value, _ in await read(kafka_bootstrap, topic.name, 6)] == [b"1", *[b"3"] * 5]
