"""Sinks, poster and relay on a real Kafka and a real Postgres, in processes that are killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from infra.kafka import Message, create_topics, open_publisher
from infra.postgres import Pool
from schemas import codec, headers, topics
from schemas.events import ReplyOutcome
from schemas.records import Event
from schemas.topics import Topic
from sinks.senders import token_context
from tests.sinks.story import Story
from tests.sinks.worker import KEYS

pytestmark = pytest.mark.integration

WORKER = Path(__file__).parents[1] / "sinks" / "worker.py"
ROOT = Path(__file__).parents[2]
READ = (topics.COMMENTS_RAW, topics.COMMENTS_ENRICHED, topics.REPLIES_DRAFTED, topics.REPLIES_DECIDED)


async def until(condition: Callable[[], Awaitable[bool]], what: str, within: float = 60) -> None:
    end = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < end, f"not within {within} s: {what}"
        await asyncio.sleep(0.05)


def _key(event: Any) -> str:
    return str(getattr(event, "comment", event).comment_id)


class Line:
    """Topics of one test, an account, and worker processes."""

    def __init__(self, bootstrap: str, database: str, pool: Pool, folder: Path) -> None:
        unique = uuid.uuid4().hex[:8]
        self.pool = pool
        self.story = Story()
        self.journal = folder / "journal.jsonl"
        self.names = {topic.name: f"{topic.name}.{unique}" for topic in READ}
        self.bootstrap = bootstrap
        self.plan = {
            "bootstrap": bootstrap,
            "database": database,
            "folder": str(folder),
            "prefix": f"sinks{unique}",
            "topics": self.names,
        }
        self.workers: list[subprocess.Popen[bytes]] = []

    async def set_up(self) -> None:
        own = [Topic(name=self.names[topic.name], schema=topic.schema, partitions=4) for topic in READ]
        await create_topics(self.bootstrap, [*own, topics.REPLIES_OUTCOMES, topics.DEAD_LETTERS])
        sealed, key_id = KEYS.seal(b"token", context=token_context("facebook", self.story.page))
        await self.pool.execute(
            "insert into social_accounts (tenant_id, platform, account_id, name, mode, replies_per_minute,"
            " token_ciphertext, token_key_id)"
            " values ('default', 'facebook', $1, 'Page', 'auto', 6000, $2, $3)",
            self.story.page,
            sealed,
            key_id,
        )

    def start(self) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(self.plan)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.workers.append(worker)
        return worker

    async def send(self, *events: Event, **marks: bytes) -> None:
        names = {"comment_event": topics.COMMENTS_RAW, "enriched_comment": topics.COMMENTS_ENRICHED,
                 "drafted_reply": topics.REPLIES_DRAFTED, "decision": topics.REPLIES_DECIDED}  # fmt: skip
        async with open_publisher(self.bootstrap) as publisher:
            await publisher.publish(
                Message(
                    topic=self.names[names[event.SCHEMA].name],
                    key=_key(event),
                    value=codec.load().encode(event),
                    headers=marks,
                )
                for event in events
            )

    async def send_stories(self, count: int, **marks: bytes) -> None:
        for make in (
            self.story.comment,
            self.story.enriched,
            self.story.drafted,
            self.story.decision,
        ):
            await self.send(*(make(number) for number in range(count)), **marks)

    def posted(self) -> Counter[str]:
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return Counter(json.loads(line)["comment"] for line in lines)

    async def states(self) -> dict[str, int]:
        rows = await self.pool.fetch("select state, count(*) as number from comments group by state")
        return {row["state"]: row["number"] for row in rows}

    async def counts(self) -> dict[str, int]:
        tables = (
            "comments", "comment_revisions", "analyses", "generated_responses", "decisions",
            "reply_queue", "reply_attempts",
        )  # fmt: skip
        return {table: await self.pool.fetchval(f"select count(*) from {table}") for table in tables}

    async def outcomes(self, keys: set[str]) -> list[ReplyOutcome]:
        """What the relay has published about these comments."""
        consumer: Any = AIOKafkaConsumer(
            topics.REPLIES_OUTCOMES.name, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[ReplyOutcome] = []
            while any([await consumer.position(part) < end for part, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    events = [codec.load().decode(each.value, ReplyOutcome) for each in records]
                    found += [event for event in events if event.comment_id in keys]
            return found
        finally:
            await consumer.stop()


@pytest.fixture
async def line(kafka_bootstrap: str, database_url: str, pool: Pool, tmp_path: Path) -> AsyncIterator[Line]:
    made = Line(kafka_bootstrap, database_url, pool, tmp_path)
    await made.set_up()
    yield made
    for worker in made.workers:
        worker.kill()
        worker.wait()


async def test_killed_workers_answer_every_comment_once_and_replays_change_nothing(line: Line) -> None:
    count = 120
    line.start()
    await line.send_stories(count)

    async def under_way() -> bool:
        return sum(line.posted().values()) >= 15

    await until(under_way, "the first replies")
    for turn in range(2):
        line.workers[-1].send_signal(signal.SIGKILL)
        line.workers[-1].wait()
        line.start()
        before = sum(line.posted().values())

        async def further(before: int = before, turn: int = turn) -> bool:
            return sum(line.posted().values()) > before + 15 * turn or sum(line.posted().values()) == count

        await until(further, "replies after a kill")

    async def all_posted() -> bool:
        return await line.states() == {"posted": count}

    await until(all_posted, "every comment posted")
    assert line.posted() == Counter({f"c{number}": 1 for number in range(count)})

    ids = {line.story.comment_id(number) for number in range(count)}

    async def all_told() -> bool:
        return not await line.pool.fetchval("select exists (select from outbox where published_at is null)")

    await until(all_told, "every outcome published")
    told = await line.outcomes(ids)
    assert {each.comment_id for each in told if each.outcome == "posted"} == ids

    before_replay = await line.counts()
    await line.send_stories(count, **{headers.REPLAY: headers.REPLAY_MARK})
    await line.send(line.story.comment(count, text="the last"))

    async def replayed() -> bool:
        return bool(await line.pool.fetchval("select count(*) > $1 from comments", count))

    await until(replayed, "the record behind the replay")
    await line.pool.execute("delete from comments where platform_comment_id = $1", f"c{count}")
    await line.pool.execute("delete from comment_revisions where text = 'the last'")
    assert await line.counts() == before_replay
    assert sum(line.posted().values()) == count

    line.workers[-1].send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(line.workers[-1].wait, 40) == 0
