import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer

from infra.kafka import create_topics
from schemas import codec
from schemas.errors import EnvironmentFault
from schemas.events import ConfigChange, ConfigKind
from schemas.topics import Topic
from streams.config import ConfigView

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CODEC = codec.load()


def change(
    key: str, version: int, payload: str = "{}", *, deleted: bool = False, tenant: str = "t"
) -> ConfigChange:
    return ConfigChange(
        kind=ConfigKind.TEMPLATE,
        tenant_id=tenant,
        key=key,
        version=version,
        payload=payload,
        deleted=deleted,
        changed_by="someone",
        changed_at=NOW,
    )


def test_the_newest_version_counts_whatever_is_repeated() -> None:
    view = ConfigView("unused:1")
    seen: list[int] = []
    view.on_change(lambda each: seen.append(each.version))
    applied = [view.apply(change("thanks", version)) for version in (1, 3, 2, 3)]
    assert applied == [True, True, False, False]
    assert seen == [1, 3]
    found = view.get(ConfigKind.TEMPLATE, "t", "thanks")
    assert found is not None
    assert found.version == 3
    assert view.version(ConfigKind.TEMPLATE, "t", "thanks") == 3
    assert view.changes == 2


def test_deleted_entries_are_gone_and_stay_gone_for_older_changes() -> None:
    view = ConfigView("unused:1")
    view.apply(change("a", 1))
    view.apply(change("b", 1))
    view.apply(change("a", 2, deleted=True))
    assert not view.apply(change("a", 1))
    assert list(view.all(ConfigKind.TEMPLATE, "t")) == ["b"]
    assert view.get(ConfigKind.TEMPLATE, "t", "a") is None
    assert view.version(ConfigKind.TEMPLATE, "t", "a") == 2


def test_tenants_and_kinds_are_apart() -> None:
    view = ConfigView("unused:1")
    view.apply(change("a", 1, tenant="one"))
    assert view.get(ConfigKind.TEMPLATE, "two", "a") is None
    assert view.all(ConfigKind.POLICY, "one") == {}


def test_a_callback_that_fails_does_not_stop_the_next_change() -> None:
    view = ConfigView("unused:1")
    seen: list[str] = []

    def broken(each: ConfigChange) -> None:
        seen.append(each.key)
        raise ValueError("cannot be read")

    view.on_change(broken)
    assert view.apply(change("a", 1))
    assert view.apply(change("b", 1))
    assert seen == ["a", "b"]


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    name = f"config.{uuid.uuid4().hex[:8]}"
    settings = {"cleanup.policy": "compact"}
    await create_topics(
        kafka_bootstrap, [Topic(name=name, schema="config_change", partitions=1, settings=settings)]
    )
    return name


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await made.start()
    yield made
    await made.stop()


@pytest.mark.integration
async def test_reads_to_the_end_before_it_is_ready_then_follows(
    kafka_bootstrap: str, topic: str, producer: AIOKafkaProducer
) -> None:
    async def send(*changes: ConfigChange) -> None:
        for each in changes:
            await producer.send_and_wait(topic, CODEC.encode(each), key=each.topic_key.encode())

    await send(*(change(f"k{number}", 1, f'{{"n": {number}}}') for number in range(50)))
    await producer.send_and_wait(topic, b"not Avro", key=b"x")
    await producer.send_and_wait(topic, None, key=b"template:t:k0")
    await send(change("k1", 2, deleted=True))
    view = ConfigView(kafka_bootstrap, topic=topic)
    assert not view.is_ready
    await asyncio.gather(view.ready(), view.ready())
    assert view.is_ready
    assert len(view.all(ConfigKind.TEMPLATE, "t")) == 49
    arrived = asyncio.Event()
    view.on_change(lambda _each: arrived.set())
    following = asyncio.ensure_future(view.follow())
    await send(change("new", 1))
    await asyncio.wait_for(arrived.wait(), 10)
    assert view.get(ConfigKind.TEMPLATE, "t", "new") is not None
    following.cancel()
    await asyncio.wait({following})


@pytest.mark.integration
async def test_an_empty_topic_is_ready_and_a_missing_one_is_named(kafka_bootstrap: str, topic: str) -> None:
    view = ConfigView(kafka_bootstrap, topic=topic)
    await asyncio.wait_for(view.ready(), 20)
    assert view.all(ConfigKind.TEMPLATE, "t") == {}
    following = asyncio.ensure_future(view.follow())
    await asyncio.sleep(0)
    following.cancel()
    await asyncio.wait({following})
    with pytest.raises(EnvironmentFault, match=r"no\.such\.topic"):
        await ConfigView(kafka_bootstrap, topic="no.such.topic").ready()
