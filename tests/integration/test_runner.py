"""The runner on a real broker: what it promises when processes die, partitions move and records are bad."""

import asyncio
import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from infra.kafka import create_topics
from schemas import codec, headers, topics
from schemas.events import CommentEvent, CommentKind, DeadLetter, Platform, Source
from schemas.topics import Topic
from streams.dead_letters import dead_letter_id

pytestmark = pytest.mark.integration

WORKER = Path(__file__).parents[1] / "streams" / "worker.py"
ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def comment(comment_id: str, text: str = "hello") -> CommentEvent:
    return CommentEvent(
        kind=CommentKind.ADDED,
        tenant_id="default",
        platform=Platform.FACEBOOK,
        account_id="page",
        comment_id=comment_id,
        platform_comment_id=comment_id,
        text=text,
        occurred_at=NOW,
        observed_at=NOW,
        source=Source.WEBHOOK,
    )


async def until(condition: Callable[[], Any], within: float = 30.0, what: str = "condition") -> Any:
    """Polls until the condition, which may be a coroutine function, gives something true."""
    end = time.monotonic() + within
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, f"not within {within} s: {what}"
        await asyncio.sleep(0.03)


class Bed:
    """Topics, a group and worker processes of one test."""

    def __init__(
        self,
        bootstrap: str,
        folder: Path,
        *,
        producer: AIOKafkaProducer,
        probe: AIOKafkaConsumer,
        admin: AIOKafkaAdminClient,
    ) -> None:
        self.bootstrap = bootstrap
        self.folder = folder
        self.producer = producer
        self.probe = probe
        self.admin = admin
        self.codec = codec.load()
        unique = uuid.uuid4().hex[:8]
        self.prefix = f"test{unique}"
        self.source, self.middle, self.target = (
            f"{name}.{unique}" for name in ("source", "middle", "target")
        )
        self.workers: list[subprocess.Popen[str]] = []

    def start(self, *stages: dict[str, Any], **settings: Any) -> subprocess.Popen[str]:
        """A worker; without stages one that copies from source to target in batches."""
        plan = {
            "bootstrap": self.bootstrap,
            "prefix": self.prefix,
            "folder": str(self.folder),
            "stages": stages or [self.copy()],
            **settings,
        }
        worker = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(plan)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.workers.append(worker)
        return worker

    def copy(self, **plan: Any) -> dict[str, Any]:
        return {"name": "copy", "reads": [self.source], "writes": self.target, **plan}

    async def send(
        self, records: Sequence[tuple[str | None, bytes | None]], topic: str | None = None
    ) -> list[Any]:
        """Sends (key, value) and gives where each landed."""
        sent = [
            await self.producer.send(
                topic or self.source, value, key=key.encode() if key is not None else None
            )
            for key, value in records
        ]
        return await asyncio.gather(*sent)

    async def send_comments(
        self, count: int, *, first: int = 0, keys: int | None = None, text: str = ""
    ) -> list[Any]:
        """Comments whose texts are their numbers; with `keys`, so many keys take turns."""
        return await self.send(
            [
                (
                    f"key-{number % keys if keys else number}",
                    self.codec.encode(comment(str(number), text or str(number))),
                )
                for number in range(first, first + count)
            ]
        )

    async def ends(self, topic: str) -> dict[TopicPartition, int]:
        partitions = [TopicPartition(topic, number) for number in range(await self.partitions(topic))]
        found: dict[TopicPartition, int] = await self.probe.end_offsets(partitions)
        return found

    async def partitions(self, topic: str) -> int:
        return len((await self.admin.describe_topics([topic]))[0]["partitions"])

    async def count(self, topic: str) -> int:
        return sum((await self.ends(topic)).values())

    async def records(self, topic: str) -> list[Any]:
        """All records that are there now, in order within each partition."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await reader.start()
        try:
            ends = {each: end for each, end in (await self.ends(topic)).items() if end}
            if not ends:
                return []
            reader.assign(list(ends))
            await reader.seek_to_beginning(*ends)
            found: list[Any] = []
            while any([await reader.position(each) < end for each, end in ends.items()]):
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    found += batch
            return found
        finally:
            await reader.stop()

    async def texts(self, topic: str | None = None) -> Counter[str]:
        """How often each text arrived."""
        return Counter(
            self.codec.decode(each.value, CommentEvent).text or ""
            for each in await self.records(topic or self.target)
        )

    async def dead(self) -> dict[str, DeadLetter]:
        """Dead letters of this test's source, by id."""
        letters = [
            self.codec.decode(each.value, DeadLetter) for each in await self.records(topics.DEAD_LETTERS.name)
        ]
        return {each.dead_letter_id: each for each in letters if each.topic == self.source}

    async def committed(self, stage: str = "copy") -> int:
        """Sum of the group's committed offsets."""
        try:
            offsets = await self.admin.list_consumer_group_offsets(f"{self.prefix}.{stage}")
        except GroupCoordinatorNotAvailableError:  # a new broker has no groups yet
            return 0
        return sum(each.offset for each in offsets.values() if each.offset > 0)

    async def finished(self, count: int, stage: str = "copy", within: float = 40.0) -> None:
        """Returns when the group has committed that many records."""

        async def there() -> bool:
            return await self.committed(stage) >= count

        await until(there, within, f"{count} records committed by {stage}")

    async def entered(self, stage: str = "copy") -> None:
        """Returns when a call of the stage has begun, after the last `entered`."""
        path = self.folder / f"{stage}.entered"
        await until(path.exists, what=f"{stage} entered")
        path.unlink()

    def flag(self, name: str) -> Path:
        path = self.folder / name
        path.touch()
        return path

    async def end(
        self, worker: subprocess.Popen[str], number: int | None = signal.SIGTERM, within: float = 30
    ) -> int:
        """Sends the signal, if any, and waits for the worker's end; gives its exit code."""
        if number is not None:
            worker.send_signal(number)
        await until(lambda: worker.poll() is not None, within, "the worker ends")
        return worker.returncode

    @staticmethod
    def words(worker: subprocess.Popen[str]) -> str:
        """What an ended worker wrote."""
        assert worker.stderr is not None
        return worker.stderr.read()


@pytest.fixture
async def bed(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Bed]:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, acks="all", enable_idempotence=True, linger_ms=2
    )
    probe = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    for client in (producer, probe, admin):
        await client.start()
    made = Bed(kafka_bootstrap, tmp_path, producer=producer, probe=probe, admin=admin)
    names = (made.source, made.middle, made.target)
    await create_topics(
        kafka_bootstrap,
        [topics.DEAD_LETTERS, *(Topic(name=name, schema="comment_event", partitions=4) for name in names)],
    )
    try:
        yield made
    finally:
        for worker in made.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            worker.wait()
        await producer.stop()
        await probe.stop()
        await admin.close()


async def test_copies_everything_once_and_passes_headers_on(bed: Bed) -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await bed.send_comments(500)
    await bed.producer.send_and_wait(
        bed.source,
        bed.codec.encode(comment("marked", "marked")),
        key=b"marked",
        headers=[(headers.TRACEPARENT, trace), (headers.REPLAY, headers.REPLAY_MARK), ("other", b"x")],
    )
    worker = bed.start()
    await bed.finished(501)
    assert await bed.end(worker) == 0
    assert await bed.texts() == Counter({**{str(number): 1 for number in range(500)}, "marked": 1})
    marked = next(each for each in await bed.records(bed.target) if each.key == b"marked")
    assert dict(marked.headers) == {headers.TRACEPARENT: trace, headers.REPLAY: headers.REPLAY_MARK}


async def test_a_worker_killed_in_its_first_batch_loses_nothing(bed: Bed) -> None:
    """First run without committed offsets, and SIGKILL in mid-batch."""
    await bed.send_comments(300)
    block = bed.flag("copy.block")
    first = bed.start(bed.copy(), instance="one")
    await bed.entered()
    assert await bed.committed() == 0
    assert await bed.end(first, signal.SIGKILL) == -signal.SIGKILL
    block.unlink()
    second = bed.start(bed.copy(), instance="one")
    await bed.finished(300)
    assert await bed.end(second) == 0
    assert set(await bed.texts()) == {str(number) for number in range(300)}


async def test_killed_again_and_again_it_loses_nothing_and_repeats_little(bed: Bed) -> None:
    rounds, each_round = 3, 400
    for number in range(rounds):
        await bed.send_comments(each_round, first=number * each_round)
        worker = bed.start(bed.copy(pause=0.02), instance="one")
        await bed.finished(number * each_round + each_round // 2)
        await bed.end(worker, signal.SIGKILL)
    worker = bed.start(bed.copy(), instance="one")
    await bed.finished(rounds * each_round)
    assert await bed.end(worker) == 0
    texts = await bed.texts()
    assert set(texts) == {str(number) for number in range(rounds * each_round)}
    assert texts.total() - len(texts) <= rounds * 64, "more than the batch in flight was repeated at a kill"


@pytest.mark.parametrize("shape", ["batch", "window"])
async def test_workers_join_and_leave_during_slow_work(bed: Bed, shape: str) -> None:
    await bed.send_comments(400)
    slow = bed.copy(pause=0.4, shape=shape, size=32)
    first = bed.start(slow)
    await bed.entered()
    second = bed.start(slow)
    await bed.finished(150)
    third = bed.start(slow)
    assert await bed.end(first) == 0
    await bed.finished(400)
    assert await bed.end(second) == 0
    assert await bed.end(third) == 0
    assert await bed.texts() == Counter(str(number) for number in range(400)), "lost or repeated"


async def test_work_slower_than_a_rebalance_allows_is_given_up_and_done_by_the_next_owner(bed: Bed) -> None:
    await bed.send_comments(100)
    block = bed.flag("copy.block")
    first = bed.start(bed.copy(), rebalance=8.0)
    await bed.entered()
    second = bed.start(bed.copy(), rebalance=8.0)
    await bed.entered()  # whoever got partitions took records up again: nobody is stuck in the rebalance
    block.unlink()
    await bed.finished(100)
    assert await bed.end(first) == 0
    assert await bed.end(second) == 0
    assert set(await bed.texts()) == {str(number) for number in range(100)}


@pytest.mark.parametrize("shape", ["batch", "window"])
async def test_what_cannot_be_processed_becomes_a_dead_letter_and_holds_nothing_up(
    bed: Bed, shape: str
) -> None:
    good = bed.codec.encode(comment("good", "good"))
    unknown_schema = b"\x00" + (999_999).to_bytes(4, "big") + good[5:]
    bad: dict[str, tuple[str | None, bytes | None]] = {
        "unexpected_error": ("same", bed.codec.encode(comment("bad", "poison"))),
        "undecodable": ("same", b"{json}"),
        "null_value": ("same", None),
        "null_key": (None, good),
    }
    placed = dict(zip(bad, await bed.send(list(bad.values())), strict=True))
    (unknown,) = await bed.send([("same", unknown_schema)])
    await bed.send_comments(200)
    worker = bed.start(bed.copy(shape=shape))
    await bed.finished(205)
    assert await bed.end(worker) == 0
    assert await bed.texts() == Counter(str(number) for number in range(200))
    dead = await bed.dead()
    for reason, place in placed.items():
        letter = dead.pop(dead_letter_id("copy", bed.source, place.partition, place.offset))
        key, value = bad[reason]
        assert (letter.reason, letter.key, letter.value) == (reason, key.encode() if key else None, value)
        assert letter.stage == "copy"
    letter = dead.pop(dead_letter_id("copy", bed.source, unknown.partition, unknown.offset))
    assert letter.reason == "undecodable"
    assert "unknown schema id 999999" in letter.message
    assert not dead
    keys = {each.key for each in await bed.records(topics.DEAD_LETTERS.name)}
    assert {b"same", b""} <= keys


@pytest.mark.parametrize("shape", ["batch", "window"])
async def test_nothing_is_committed_before_its_outputs_are_acknowledged(bed: Bed, shape: str) -> None:
    """The broker refuses one output: nothing behind it is committed, and the process says so and ends."""
    await configure(bed, bed.target, {"max.message.bytes": "2000"})
    await bed.send([("k", bed.codec.encode(comment("k", text))) for text in ("first", "x" * 3000, "last")])
    worker = bed.start(bed.copy(shape=shape, size=1))
    assert await bed.end(worker, None) == 69
    assert f"topic {bed.target} refuses a record of" in (said := bed.words(worker))
    assert "max.message.bytes" in said
    assert await bed.committed() <= 1
    assert "last" not in await bed.texts()
    await configure(bed, bed.target, {"max.message.bytes": "1000000"})
    worker = bed.start(bed.copy(shape=shape, size=1))
    await bed.finished(3)
    assert await bed.end(worker) == 0
    assert set(await bed.texts()) == {"first", "x" * 3000, "last"}


async def test_nothing_is_committed_while_the_target_topic_is_missing(bed: Bed) -> None:
    late = Topic(name=f"late.{bed.prefix}", schema="comment_event", partitions=1)
    await bed.send_comments(100)
    port = free_port()
    worker = bed.start(bed.copy(writes=late.name), port=port)
    held = await until(lambda: trouble(port), what="the stage reports that it holds its partitions")
    assert "broker" in held
    assert await bed.committed() == 0
    await create_topics(bed.bootstrap, [late])
    await bed.finished(100)
    assert await bed.end(worker) == 0
    assert set(await bed.texts(late.name)) == {str(number) for number in range(100)}


async def test_transient_errors_hold_the_partitions_and_show_as_degraded(bed: Bed) -> None:
    await bed.send_comments(50)
    away = bed.flag("copy.transient")
    port = free_port()
    worker = bed.start(bed.copy(), port=port)
    await until(lambda: trouble(port), what="degraded")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        assert 'parley_stage_degraded{stage="copy"} 1.0' in (await client.get("/metrics")).text
    assert await bed.committed() == 0
    away.unlink()
    await bed.finished(50)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/health/ready")).status_code == 200
    assert await bed.end(worker) == 0
    assert await bed.texts() == Counter(str(number) for number in range(50))
    assert await bed.dead() == {}


async def test_sigterm_leaves_records_that_wait_for_the_far_side_to_the_next_owner(bed: Bed) -> None:
    await bed.send_comments(50)
    away = bed.flag("copy.transient")
    worker = bed.start()
    await bed.entered()
    await bed.entered()
    assert await bed.end(worker, within=8) == 0
    assert await bed.committed() == 0
    away.unlink()
    worker = bed.start()
    await bed.finished(50)
    assert await bed.end(worker) == 0


async def test_a_stalled_stage_is_not_alive(bed: Bed) -> None:
    bed.flag("copy.block")
    port = free_port()
    bed.start(bed.copy(), port=port, stalled_after=1.0)
    await bed.send_comments(10)
    await bed.entered()

    async def dead() -> bool:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/health/live")).status_code == 503

    await until(dead, what="/health/live fails")


@pytest.mark.parametrize("shape", ["batch", "window"])
async def test_sigterm_finishes_what_is_in_flight(bed: Bed, shape: str) -> None:
    await bed.send_comments(200)
    block = bed.flag("copy.block")
    worker = bed.start(bed.copy(shape=shape, size=16))
    await bed.entered()
    worker.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    assert worker.poll() is None, "it did not wait for the work in flight"
    block.unlink()
    assert await bed.end(worker, None) == 0
    done = await bed.committed()
    assert 0 < done < 200
    assert await bed.count(bed.target) == done
    worker = bed.start()
    await bed.finished(200)
    assert await bed.end(worker) == 0
    assert await bed.texts() == Counter(str(number) for number in range(200)), "lost or repeated"


async def test_sigterm_gives_work_up_after_its_limit(bed: Bed) -> None:
    await bed.send_comments(20)
    block = bed.flag("copy.block")
    worker = bed.start(bed.copy(), drain=0.5)
    await bed.entered()
    assert await bed.end(worker, within=10) == 0
    assert await bed.committed() == 0
    block.unlink()
    worker = bed.start()
    await bed.finished(20)
    assert await bed.end(worker) == 0


async def test_a_broken_contract_ends_the_process_and_skips_nothing(bed: Bed) -> None:
    await bed.send_comments(20)
    flag = bed.flag("copy.short")
    worker = bed.start()
    assert await bed.end(worker, None) == 75
    assert "results for" in bed.words(worker)
    assert await bed.committed() == 0
    assert await bed.dead() == {}
    flag.unlink()
    worker = bed.start()
    await bed.finished(20)
    assert await bed.end(worker) == 0


async def test_background_work_that_fails_ends_the_process(bed: Bed) -> None:
    worker = bed.start()
    bed.flag("background.fails")
    assert await bed.end(worker, None) == 75
    assert "the background work broke" in bed.words(worker)


@pytest.mark.parametrize("shape", ["batch", "window"])
async def test_too_many_dead_letters_halt_the_stage(bed: Bed, shape: str) -> None:
    await bed.send_comments(200, text="poison")
    worker = bed.start(bed.copy(shape=shape), consecutive=20)
    assert await bed.end(worker, None) == 70
    assert "likely the deploy, not the data" in bed.words(worker)


async def test_a_window_keeps_the_order_of_a_key_and_loses_nothing_when_killed(bed: Bed) -> None:
    await bed.send_comments(600, keys=40)
    uneven = bed.copy(shape="window", uneven=True)
    worker = bed.start(uneven, instance="one")
    await bed.finished(200)
    await bed.end(worker, signal.SIGKILL)
    worker = bed.start(uneven, instance="one")
    await bed.finished(600)
    assert await bed.end(worker) == 0
    last_of_key: dict[bytes, list[int]] = {}
    for each in await bed.records(bed.target):
        text = bed.codec.decode(each.value, CommentEvent).text
        last_of_key.setdefault(each.key, []).append(int(text or ""))
    for numbers in last_of_key.values():
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts), "a record overtook an earlier one of its key"
    assert sum(len(set(numbers)) for numbers in last_of_key.values()) == 600


async def test_two_stages_of_a_process_do_not_stop_each_other(bed: Bed) -> None:
    held = {"name": "held", "reads": [bed.source], "writes": bed.middle}
    bed.flag("held.transient")
    await bed.send_comments(1500)
    worker = bed.start(bed.copy(), held)
    await bed.finished(1500)
    assert await bed.committed("held") == 0
    (bed.folder / "held.transient").unlink()
    await bed.finished(1500, "held")
    assert await bed.end(worker) == 0
    assert await bed.texts(bed.middle) == await bed.texts() == Counter(str(number) for number in range(1500))


async def test_a_stage_reads_several_topics(bed: Bed) -> None:
    await bed.send_comments(100)
    await bed.send([("k", bed.codec.encode(comment("m", "from middle")))], bed.middle)
    worker = bed.start(bed.copy(reads=[bed.source, bed.middle]))
    await bed.finished(101)
    assert await bed.end(worker) == 0
    assert (await bed.texts())["from middle"] == 1


async def test_a_transactional_producer_upstream_leaves_no_gap_uncommitted(bed: Bed) -> None:
    upstream = AIOKafkaProducer(bootstrap_servers=bed.bootstrap, transactional_id=uuid.uuid4().hex)
    await upstream.start()
    for start in range(0, 60, 20):
        async with upstream.transaction():
            for number in range(start, start + 20):
                await upstream.send(
                    bed.source, bed.codec.encode(comment(str(number), str(number))), key=b"k", partition=0
                )
    await upstream.stop()
    worker = bed.start()
    await bed.finished(62)  # 60 records and the two marks between the transactions
    assert await bed.end(worker) == 0
    assert await bed.texts() == Counter(str(number) for number in range(60))


@pytest.mark.parametrize("shape", ["batch", "window"])
async def test_one_trace_shows_every_stage_a_comment_went_through(bed: Bed, shape: str) -> None:
    """Received by an OTLP endpoint; the trace begins where the comment came in."""
    async with collector() as (endpoint, spans):
        begin = {"name": "begin", "reads": [bed.source], "writes": bed.middle, "shape": shape}
        worker = bed.start(begin, bed.copy(reads=[bed.middle], shape=shape), otlp=endpoint)
        trace, parent = bytes.fromhex("0af7651916cd43dd8448eb211c80319c"), bytes.fromhex("b7ad6b7169203331")
        await bed.send_comments(20)
        await bed.producer.send_and_wait(
            bed.source,
            bed.codec.encode(comment("traced", "traced")),
            key=b"traced",
            headers=[(headers.TRACEPARENT, f"00-{trace.hex()}-{parent.hex()}-01".encode())],
        )
        await bed.finished(21)
        assert await bed.end(worker) == 0
    found = {span.name: span for span in spans if span.trace_id == trace}
    assert set(found) == {"begin", "copy"}
    assert found["begin"].parent_span_id == parent
    assert found["copy"].parent_span_id == found["begin"].span_id
    traced = next(each for each in await bed.records(bed.target) if each.key == b"traced")
    context = f"00-{trace.hex()}-{found['copy'].span_id.hex()}-01".encode()
    assert dict(traced.headers)[headers.TRACEPARENT] == context
    assert len({span.trace_id for span in spans if span.name == "copy"}) == 21, "a trace for each comment"


async def test_more_partitions_are_read_from_their_beginning(bed: Bed) -> None:
    await bed.send_comments(50)
    worker = bed.start()
    await bed.finished(50)
    assert await bed.end(worker) == 0
    await bed.admin.create_partitions({bed.source: NewPartitions(6)})
    await until(lambda: has_partitions(bed, 6), what="six partitions")
    await bed.producer.client.force_metadata_update()
    for partition in range(6):
        value = bed.codec.encode(comment("new", f"new-{partition}"))
        await bed.producer.send_and_wait(bed.source, value, key=b"k", partition=partition)
    worker = bed.start()
    await bed.finished(56)
    assert await bed.end(worker) == 0
    assert {f"new-{partition}" for partition in range(6)} <= set(await bed.texts())


async def test_two_processes_with_one_instance_id_are_told_so(bed: Bed) -> None:
    first = bed.start(bed.copy(), instance="same")
    await bed.send_comments(10)
    await bed.finished(10)
    second = bed.start(bed.copy(), instance="same")
    await until(lambda: first.poll() is not None or second.poll() is not None, what="one of them ends")
    ended = first if first.poll() is not None else second
    assert ended.returncode == 78
    assert "another process uses the instance id" in bed.words(ended)


@pytest.mark.parametrize("count", [100, 1000])
async def test_a_topic_deleted_and_created_again_is_read_from_its_beginning(bed: Bed, count: int) -> None:
    """Offsets of the old topic mean nothing in the new one, be it shorter or already longer."""
    await bed.send_comments(300)
    worker = bed.start(instance="one", session=30.0)
    await bed.finished(300)
    worker.send_signal(signal.SIGSTOP)
    await bed.admin.delete_topics([bed.source])
    await until(lambda: gone(bed, bed.source), what="the topic is gone")
    await create_topics(bed.bootstrap, [Topic(name=bed.source, schema="comment_event", partitions=4)])
    await bed.producer.client.force_metadata_update()
    await bed.send_comments(count, first=1000)
    worker.send_signal(signal.SIGCONT)
    expected = {str(number) for number in (*range(300), *range(1000, 1000 + count))}
    assert await bed.end(worker, None, within=60) == 69
    assert "deleted and created again" in bed.words(worker)
    assert await bed.committed() == 0
    worker = bed.start(instance="one")
    await bed.finished(count)
    assert await bed.end(worker) == 0
    assert set(await bed.texts()) == expected


async def test_a_missing_topic_and_a_missing_broker_are_named(bed: Bed) -> None:
    lost = bed.start(bed.copy(reads=["no.such.topic"]))
    assert await bed.end(lost, None) == 69
    assert "has no topic no.such.topic" in bed.words(lost)
    lost = bed.start(bootstrap=f"127.0.0.1:{free_port()}")
    assert await bed.end(lost, None) == 69
    assert "No Kafka broker answers" in bed.words(lost)


@contextlib.asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[Span]]]:
    """An OTLP/HTTP endpoint; gives its address and the spans it has received."""
    spans: list[Span] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                body = await reader.readexactly(length)
                request = ExportTraceServiceRequest.FromString(
                    gzip.decompress(body) if "content-encoding: gzip" in head else body
                )
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        spans.extend(scope.spans)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", spans


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def trouble(port: int) -> str | None:
    """What the stage `copy` says it is waiting for."""
    async with httpx.AsyncClient() as client:
        with contextlib.suppress(httpx.TransportError):
            answer = await client.get(f"http://127.0.0.1:{port}/health/ready")
            found: str | None = answer.json()["stages"]["copy"]["trouble"]
            return found
    return None


async def gone(bed: Bed, topic: str) -> bool:
    return topic not in await bed.admin.list_topics()


async def has_partitions(bed: Bed, count: int) -> bool:
    return await bed.partitions(bed.source) == count


async def configure(bed: Bed, topic: str, settings: dict[str, str]) -> None:
    await bed.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])
