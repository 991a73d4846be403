"""What operators do, through the command line, on a real broker and a real Postgres."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from typer.testing import CliRunner, Result

from console import doctor, history
from console.checks.finding import ok
from console.main import application
from console.stages import STAGE_INPUTS
from infra import postgres
from infra.kafka import create_topics, message, open_admin, open_publisher
from infra.scan import scan
from schemas import codec, headers, topics
from schemas.events import CommentEvent, DeadLetter
from schemas.topics import Topic
from streams.dead_letters import dead_letter
from streams.reading import Raw
from tests.sinks.office import write
from tests.sinks.story import Story

pytestmark = pytest.mark.integration

CODEC = codec.load()


class Kit:
    """The servers, a topic that stands for `comments.raw`, and the command line."""

    def __init__(self, bootstrap: str, database: str, topic: Topic) -> None:
        self.bootstrap, self.database, self.topic = bootstrap, database, topic
        self.story = Story()

    def parley(self, *arguments: str) -> Result:
        done = CliRunner().invoke(application(), arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    async def publish(self, *events: CommentEvent) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for event in events:
                await producer.send_and_wait(
                    self.topic.name, CODEC.encode(event), key=event.comment_id.encode()
                )

    async def forget(self) -> None:
        async with open_admin(self.bootstrap) as admin:
            everything = RecordsToDelete(before_offset=-1)
            await admin.delete_records(
                {TopicPartition(self.topic.name, n): everything for n in range(self.topic.partitions)}
            )

    async def store(self, *events: CommentEvent) -> None:
        async with postgres.open_pool(self.database, size=1) as pool:
            await write(pool, self.story.records(events))

    async def execute(self, statement: str) -> None:
        async with postgres.open_pool(self.database, size=1) as pool:
            await pool.execute(statement)

    def records(self) -> list[Any]:
        async def read() -> list[Any]:
            return [record async for record in scan(self.bootstrap, self.topic.name)]

        return asyncio.run(read())

    def marked(self) -> dict[str, CommentEvent]:
        """Replayed comments by the platform's id; each must be there once."""
        events = [
            CODEC.decode(record.value, CommentEvent)
            for record in self.records()
            if (headers.REPLAY, headers.REPLAY_MARK) in record.headers
        ]
        found = {event.platform_comment_id: event for event in events}
        assert len(found) == len(events)
        return found


@pytest.fixture
def kit(kafka_bootstrap: str, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kit:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "DATABASE_URL": database_url,
        "PARLEY_STATE_DIR": str(tmp_path),
        "PARLEY_TOPIC_PARTITIONS": "2",
    }.items():
        monkeypatch.setenv(name, value)
    raw = replace(topics.COMMENTS_RAW, name=f"comments.raw.{uuid.uuid4().hex[:8]}", partitions=2)
    letters = replace(topics.DEAD_LETTERS, name=f"dead.letters.{uuid.uuid4().hex[:8]}")
    monkeypatch.setattr(topics, "COMMENTS_RAW", raw)
    monkeypatch.setattr(topics, "DEAD_LETTERS", letters)
    monkeypatch.setattr(topics, "ALL", {raw.name: raw, letters.name: letters})
    monkeypatch.setattr(history, "COMMENTS_RAW", raw)
    monkeypatch.setitem(STAGE_INPUTS, "enrich", (raw,))
    asyncio.run(create_topics(kafka_bootstrap, [raw, letters]))
    return Kit(kafka_bootstrap, database_url, raw)


def letter_of(kit: Kit, event: CommentEvent, offset: int, **changed: Any) -> DeadLetter:
    raw = Raw(
        kit.topic.name, 0, offset, None, event.comment_id.encode(), CODEC.encode(event),
        ((headers.EVENT_ID, b"e"),),
    )  # fmt: skip
    return replace(dead_letter("enrich", raw, ValueError("odd")), **changed)


async def bury(kit: Kit, letters: Sequence[DeadLetter]) -> None:
    async with open_publisher(kit.bootstrap) as publisher:
        await publisher.publish(message(CODEC, topics.DEAD_LETTERS, "key", letter) for letter in letters)


def test_dead_letters_go_back_once_and_a_second_time_is_told(kit: Kit) -> None:
    events = [kit.story.comment(number) for number in range(3)]
    letters = [letter_of(kit, event, offset) for offset, event in enumerate(events)]
    letters.append(letter_of(kit, events[0], 9, topic="webhook:facebook", stage="webhook"))
    asyncio.run(bury(kit, letters))
    asyncio.run(bury(kit, letters))  # a repeated record is one letter

    done = kit.parley("dead-letters", "replay", letters[0].dead_letter_id)
    assert done.output == "1 sent back, 0 were sent back before, 0 cannot go back\n"
    done = kit.parley("dead-letters", "replay", "--since", "1h", "--json")
    outcomes = [json.loads(line)["outcome"] for line in done.output.splitlines()]
    assert sorted(outcomes) == ["impossible", "sent_back", "sent_back", "sent_before"]
    done = kit.parley("dead-letters", "replay", "--stage", "webhook")
    assert "facebook deliver it again" in done.output

    records = kit.records()
    assert sorted(record.value for record in records) == sorted(CODEC.encode(event) for event in events)
    assert all(record.headers == ((headers.EVENT_ID, b"e"),) for record in records)
    assert {record.key.decode() for record in records} == {event.comment_id for event in events}
    listed = [json.loads(line) for line in kit.parley("dead-letters", "list", "--json").output.splitlines()]
    assert [each["replayed_at"] is None for each in listed] == [False, False, False, True]


def test_a_dead_letter_that_nobody_knows_is_named(kit: Kit) -> None:
    unknown = str(uuid.uuid4())
    with pytest.raises(Exception, match=unknown):
        kit.parley("dead-letters", "replay", unknown)


def test_what_kafka_forgot_is_fed_in_from_postgres_and_the_rest_from_kafka(kit: Kit) -> None:
    now = datetime.now(UTC)

    def comment(number: int, age: timedelta, **other: Any) -> CommentEvent:
        event = kit.story.comment(number, **other)
        return replace(event, observed_at=now - age, occurred_at=now - age)

    days = timedelta(days=1)
    expired = [comment(number, 5 * days) for number in (1, 2, 3)]
    too_old, removed = comment(4, 30 * days), comment(5, 5 * days)
    edited = comment(2, 4 * days, kind="edited", text="I mean: wonderful!")
    kept = [comment(number, timedelta(hours=1)) for number in range(10, 16)]
    gone = replace(kit.story.comment(5, "removed"), occurred_at=now, observed_at=now)

    async def live() -> None:
        await kit.publish(*expired, too_old, removed, edited)
        await kit.forget()
        await kit.publish(*kept)
        await kit.store(*expired, too_old, removed, edited, gone, *kept)

    asyncio.run(live())
    done = kit.parley("replay", "--from", "10d")
    assert f"{kit.topic.name}: 6 records fed in again\n" in done.output
    assert f"{kit.topic.name}: 3 comments fed in again from Postgres" in done.output
    fed = kit.marked()
    assert set(fed) == {"c1", "c2", "c3", *(f"c{number}" for number in range(10, 16))}
    assert fed["c2"].text == "I mean: wonderful!"
    assert fed["c1"] == expired[0]


def test_history_stays_within_the_span_asked_for_and_pages_through_all_of_it(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 2)
    monkeypatch.setattr(history, "_PAGE", history._PAGE.replace("limit 500", "limit 2"))
    now = datetime.now(UTC)
    events = [
        replace(kit.story.comment(number), observed_at=now - timedelta(days=3, seconds=number // 3))
        for number in range(7)
    ]
    late = replace(kit.story.comment(8), observed_at=now - timedelta(hours=1))

    async def live() -> None:
        await kit.publish(*events, late)
        await kit.forget()
        await kit.store(*events, late)

    asyncio.run(live())
    done = kit.parley("replay", "--from", "4d", "--to", "2d")
    assert "7 comments fed in again from Postgres" in done.output
    assert len(kit.marked()) == 7


def test_a_topic_that_forgot_nothing_is_fed_from_kafka_alone(kit: Kit) -> None:
    event = kit.story.comment(1)
    asyncio.run(kit.publish(event))
    asyncio.run(kit.store(event, kit.story.comment(2)))
    assert kit.parley("replay", "--from", "90d").output == f"{kit.topic.name}: 1 records fed in again\n"
    assert set(kit.marked()) == {"c1"}


def test_the_doctor_reports_as_json_and_its_exit_code_tells_whether_there_is_a_problem(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "GROUP_PREFIX", f"parley{uuid.uuid4().hex[:8]}")
    monkeypatch.setattr(doctor, "STAGE_INPUTS", {"enrich": (kit.topic,)})

    async def fine(_folder: Path) -> list[Any]:
        return [ok("model", "not what this is about")]

    monkeypatch.setattr(doctor, "check_model", fine)
    done = kit.parley("doctor", "--json")
    report = json.loads(done.output)
    assert (done.exit_code, report["healthy"]) == (0, True), report
    statuses = {check["name"]: check["status"] for check in report["checks"]}
    assert statuses["broker"] == statuses["topics"] == statuses["database"] == "ok"
    asyncio.run(kit.execute("insert into social_accounts (tenant_id, platform, account_id, name) "
                            "values ('default', 'facebook', '1', 'Page')"))  # fmt: skip
    done = kit.parley("doctor")
    assert done.exit_code == 1
    assert "problem  account facebook/1: has no token" in done.output
    assert "-> parley accounts add facebook 1" in done.output
