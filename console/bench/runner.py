"""The runner: a do-nothing stage, with Avro decoding and encoding, against a bare aiokafka loop."""

import asyncio
import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from console.bench.sample import comment
from console.servers import open_servers
from infra import kafka, settings
from schemas import codec
from schemas.events import CommentEvent
from schemas.topics import DEAD_LETTERS, Topic
from streams import runner
from streams.settings import RunnerSettings
from streams.stage import Batches, Input, Output, Result, Stage

T = TypeVar("T")

_RECORDS: Final = 30_000
_BATCH: Final = 256


def measure() -> dict[str, float]:
    """Records a minute of both, and their ratio."""
    with open_servers(settings.load()) as servers:
        run = uuid.uuid4().hex[:8]
        source = Topic(name=f"bench.{run}.in", schema="comment_event")
        sinks = [Topic(name=f"bench.{run}.{name}", schema="comment_event") for name in ("bare", "runner")]
        try:
            asyncio.run(_fill(servers.kafka, source, sinks))
            # Each in a process of its own, so that neither inherits the other's threads and caches.
            bare = _apart(_bare, servers.kafka, source, sinks[0])
            ours = _apart(_runner, servers.kafka, source, sinks[1])
        finally:
            asyncio.run(_drop(servers.kafka, [source, *sinks]))
    return {
        "bare aiokafka loop, records a minute": bare * 60,
        "do-nothing stage, records a minute": ours * 60,
        "ratio": ours / bare,
    }


async def _fill(bootstrap: str, source: Topic, sinks: Sequence[Topic]) -> None:
    await kafka.create_topics(bootstrap, [source, *sinks, DEAD_LETTERS])
    known = codec.load()
    async with kafka.open_publisher(bootstrap, linger_ms=20) as publisher:
        for first in range(0, _RECORDS, 1000):
            events = [comment(number) for number in range(first, min(first + 1000, _RECORDS))]
            await publisher.publish([kafka.message(known, source, each.comment_id, each) for each in events])


async def _drop(bootstrap: str, dropped: Sequence[Topic]) -> None:
    async with kafka.open_admin(bootstrap) as admin:
        await admin.delete_topics([topic.name for topic in dropped])


def _apart(measure: Callable[[str, Topic, Topic], T], *arguments: Any) -> T:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, *arguments).result()


def _bare(bootstrap: str, source: Topic, sink: Topic) -> float:
    return uvloop.run(_bare_loop(bootstrap, source.name, sink.name))


async def _bare_loop(bootstrap: str, source: str, sink: str) -> float:
    """Records a second: read, decode, encode, send, await every delivery, commit."""
    known = codec.load()
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=bootstrap,
        group_id=f"{source}.bare",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5)
    await consumer.start()
    await producer.start()
    try:
        done, began = 0, 0.0
        while done < _RECORDS:
            batches = await consumer.getmany(timeout_ms=500, max_records=_BATCH)
            began = began or time.perf_counter()
            deliveries = []
            for record in (each for batch in batches.values() for each in batch):
                value = known.encode(known.decode(record.value, CommentEvent))
                deliveries.append(await producer.send(sink, value, key=record.key))
            await asyncio.gather(*deliveries)
            if deliveries:
                await consumer.commit()
            done += len(deliveries)
        return done / (time.perf_counter() - began)
    finally:
        await consumer.stop()
        await producer.stop()


def _runner(bootstrap: str, source: Topic, sink: Topic) -> float:
    """Records a second, from the first record taken up to the last one committed."""
    times: list[float] = []
    done = 0

    async def process(inputs: Sequence[Input[Any]]) -> list[Result]:
        times.append(time.perf_counter())
        return [Result((Output(sink, each.key, each.event),)) for each in inputs]

    def acknowledged(inputs: Sequence[Input[Any]]) -> None:
        nonlocal done
        done += len(inputs)
        if done >= _RECORDS:
            times.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGTERM)

    async def compose(_resources: AsyncExitStack) -> runner.Work:
        stage = Stage(
            name="nothing",
            reads=(source,),
            process=process,
            shape=Batches(size=_BATCH),
            acknowledged=acknowledged,
        )
        return runner.Work(stages=[stage])

    runner.run(compose, RunnerSettings(bootstrap_servers=bootstrap, group_prefix=source.name))
    return done / (times[-1] - times[0])
