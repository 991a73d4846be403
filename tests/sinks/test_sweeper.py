"""The sweeper: what no stage has settled is fed in again from Postgres, never doubled, never for ever."""

import asyncio
import contextlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra import metrics
from infra.kafka import Message, create_topics
from infra.postgres import Connection, Pool
from schemas import codec
from schemas.events import CommentEvent, Source
from schemas.topics import Topic
from sinks import outbox
from sinks import sweeper as sweeping
from sinks.sweeper import Rules, Sweeper, waiting
from tests.sinks.office import write
from tests.sinks.story import Story

pytestmark = pytest.mark.integration

AGES = timedelta(days=3650).total_seconds()
RULES = Rules(after=900, times=2, max_age=AGES)


class Later:
    """The present, some minutes after the comments were written."""

    def __init__(self, minutes: float = 20) -> None:
        self.now = datetime.now(UTC) + timedelta(minutes=minutes)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


@pytest.fixture
def later() -> Later:
    return Later()


def sweeper_of(
    pool: Pool,
    kafka: str,
    clock: Later,
    rules: Rules = RULES,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> Sweeper:
    return Sweeper(pool, kafka, groups or {}, rules, clock=clock)


async def fed(pool: Pool) -> list[CommentEvent]:
    rows = await pool.fetch("select topic, key, value, headers from outbox order by id")
    assert all(row["topic"] == "comments.raw" and row["headers"] == {} for row in rows)
    events = [codec.load().decode(row["value"], CommentEvent) for row in rows]
    assert [row["key"] for row in rows] == [event.comment_id for event in events]
    return events


async def everything(pool: Pool) -> list[list[Any]]:
    tables = ("comments", "comment_revisions", "analyses", "generated_responses", "decisions")
    return [await pool.fetch(f"select * from {table} order by 1") for table in tables]


async def test_a_comment_that_stays_is_fed_in_again_as_it_was(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later
) -> None:
    comment = story.comment(1, platform_parent_id="thread", permalink="https://example.org/1")
    await write(pool, story.records([comment]))
    before = metrics.SWEPT.labels("received")._value.get()
    assert await sweeper_of(pool, kafka_bootstrap, later).step() == 1
    (event,) = await fed(pool)
    assert event.source is Source.SWEEP
    assert event.to_record() | {"source": Source.WEBHOOK} == comment.to_record()
    assert metrics.SWEPT.labels("received")._value.get() == before + 1


async def test_its_newest_wording_is_fed_in_and_no_row_changes_by_it(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later
) -> None:
    edited = story.comment(1, "edited", text="Lovely indeed!", at=60)
    await write(pool, story.records([story.comment(1), edited]))
    await sweeper_of(pool, kafka_bootstrap, later).step()
    before = await everything(pool)
    (event,) = await fed(pool)
    assert event.revision_id == edited.revision_id
    await write(pool, story.records([event]))
    assert await everything(pool) == before
    assert await pool.fetchval("select source from comment_revisions limit 1") == "webhook"


async def test_open_machine_states_are_swept_and_no_others(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later
) -> None:
    await write(pool, story.records([story.comment(number) for number in range(1, 7)]))
    await write(
        pool,
        story.records(
            [
                story.enriched(2),
                story.drafted(3),
                story.decision(4, "review"),
                story.comment(5, "removed"),
                story.staff(7),  # a comment that is known from a reply only: there is no wording to feed in
            ]
        ),
    )
    await pool.execute(
        "insert into dead_letters select gen_random_uuid(), 'enrich', 'poison', 'E', 'm', 'comments.raw', 0, "
        "1, comment_id, now() from comments where platform_comment_id = 'c6'"
    )
    await pool.execute("select refresh_comment_states(array(select comment_id from comments))")
    assert await sweeper_of(pool, kafka_bootstrap, later).step() == 3
    assert sorted(event.platform_comment_id for event in await fed(pool)) == ["c1", "c2", "c3"]


async def test_nothing_is_swept_too_early_too_late_or_for_another_tenant(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later
) -> None:
    await write(pool, story.records([story.comment(1)]))
    early = Later(minutes=14)
    assert await sweeper_of(pool, kafka_bootstrap, early).step() == 0
    old = Rules(after=900, times=2, max_age=60)
    assert await sweeper_of(pool, kafka_bootstrap, later, old).step() == 0
    other = Sweeper(pool, kafka_bootstrap, {}, RULES, tenant="other", clock=later)
    assert await other.step() == 0
    found = await waiting(pool, "default", old, now=later.now)
    assert (found.late, found.stuck) == (0, 1)  # too old to be swept: a person has to look


async def test_a_comment_is_swept_so_many_times_and_then_counts_as_stuck(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later
) -> None:
    await write(pool, story.records([story.comment(1)]))
    sweeper = sweeper_of(pool, kafka_bootstrap, later)
    swept = []
    for _ in range(4):
        swept.append(await sweeper.step())
        assert await sweeper.step() == 0  # it has just been fed in
        later.advance(minutes=16)
    assert swept == [1, 1, 0, 0]
    found = await waiting(pool, "default", RULES, now=later.now)
    assert (found.late, found.stuck, found.examples) == (0, 1, (story.comment_id(1),))


async def test_of_two_sweepers_at_once_one_feeds_a_comment_in(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(pool, story.records([story.comment(number) for number in range(20)]))
    claimed, other_done = asyncio.Event(), asyncio.Event()
    enqueue = outbox.enqueue_records

    async def slowly(connection: Connection, records: Sequence[Message]) -> None:
        if records and not claimed.is_set():
            claimed.set()
            with contextlib.suppress(TimeoutError):  # the other must not wait for this one
                await asyncio.wait_for(other_done.wait(), 5)
        await enqueue(connection, records)

    monkeypatch.setattr(outbox, "enqueue_records", slowly)
    first = asyncio.create_task(sweeper_of(pool, kafka_bootstrap, later).step())
    await claimed.wait()
    second = await sweeper_of(pool, kafka_bootstrap, later).step()
    other_done.set()
    assert (await first, second) == (20, 0)
    assert len({event.comment_id for event in await fed(pool)}) == len(await fed(pool)) == 20


async def test_a_round_is_bounded(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    await write(pool, story.records([story.comment(number) for number in range(3)]))
    sweeper = sweeper_of(pool, kafka_bootstrap, later)
    assert [await sweeper.step() for _ in range(3)] == [2, 1, 0]


async def test_a_comment_that_is_no_event_any_more_does_not_stop_the_others(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later
) -> None:
    await write(pool, story.records([story.comment(1), story.comment(2)]))
    await pool.execute("update comments set platform = 'myspace' where platform_comment_id = 'c1'")
    await sweeper_of(pool, kafka_bootstrap, later).step()
    assert [event.platform_comment_id for event in await fed(pool)] == ["c2"]


async def backlog(bootstrap: str, *ages: timedelta) -> tuple[str, str]:
    """A topic with records of these ages, and a group that has read none of them."""
    unique = uuid.uuid4().hex[:8]
    topic = Topic(
        name=f"sweep.{unique}", schema="comment_event", partitions=1, settings={"retention.ms": "7200000"}
    )
    await create_topics(bootstrap, [topic])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for age in ages:
            stamp = int((datetime.now(UTC) - age).timestamp() * 1000)
            await producer.send_and_wait(topic.name, b"x", timestamp_ms=stamp)
    group = f"group.{unique}"
    await commit(bootstrap, group, topic.name, 0)
    return group, topic.name


async def commit(bootstrap: str, group: str, topic: str, offset: int) -> None:
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): offset})


async def test_comments_wait_while_a_group_is_behind(
    pool: Pool, kafka_bootstrap: str, story: Story, later: Later
) -> None:
    group, topic = await backlog(kafka_bootstrap, timedelta(hours=1), timedelta(0))
    await write(pool, story.records([story.comment(1)]))
    sweeper = sweeper_of(pool, kafka_bootstrap, later, groups={group: [topic]})
    assert await sweeper.step() == 0
    share = metrics.BACKLOG_SHARE.labels(group, topic)._value.get()
    assert share == pytest.approx(0.5, abs=0.02)  # of two hours
    await commit(kafka_bootstrap, group, topic, 1)
    assert await sweeper.step() == 1  # what waits now has only just come: it explains nothing
    assert metrics.BACKLOG_SHARE.labels(group, topic)._value.get() < 0.02


async def test_a_sweeper_holds_out_while_the_broker_is_away(
    pool: Pool, story: Story, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, soon = asyncio.Event(), Rules(after=0.02, times=2, max_age=AGES)
    monkeypatch.setattr(sweeping.log, "warning", lambda *_a, **_k: failed.set())
    await write(pool, story.records([story.comment(1)]))
    running = asyncio.create_task(Sweeper(pool, "127.0.0.1:1", {}, soon, clock=later).run())
    await asyncio.wait_for(failed.wait(), 20)
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})
    assert await fed(pool) == []
