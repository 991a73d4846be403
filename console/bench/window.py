"""One worker's window over calls as slow as a language model's: how much it holds, and a SIGKILL midway."""

import asyncio
import contextlib
import math
import multiprocessing
import random
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from multiprocessing.process import BaseProcess
from typing import Any, Final

from console.bench.sample import comment
from console.servers import open_servers
from infra import kafka, settings
from infra.lag import LagReader, open_lag_reader
from infra.scan import scan
from schemas import codec
from schemas.events import CommentEvent
from schemas.topics import DEAD_LETTERS, Topic
from streams import runner
from streams.settings import RunnerSettings
from streams.stage import Input, Output, Result, Stage, Window

MEDIAN: Final = 1.0
AT_99: Final = 4.0
"""Seconds that a call takes: log-normal with this median and this 99th percentile, 1.19 s in the mean."""

SIGMA: Final = math.log(AT_99 / MEDIAN) / 2.3263
KEYS: Final = 1000
WITHIN: Final = 300.0


def measure() -> dict[str, float]:
    """Records a minute of one worker with the default window, then what a SIGKILL costs."""
    with open_servers(settings.load()) as servers:
        return asyncio.run(measured(servers.kafka, records=6000, records_with_kill=3000))


async def measured(bootstrap: str, *, records: int, records_with_kill: int) -> dict[str, float]:
    """The figures, on a broker that is there; raises TimeoutError if the worker does not get through."""
    run = uuid.uuid4().hex[:8]
    source = Topic(name=f"bench.{run}.in", schema="comment_event")
    sink = Topic(name=f"bench.{run}.out", schema="comment_event")
    await kafka.create_topics(bootstrap, [source, sink, DEAD_LETTERS])
    try:
        async with open_lag_reader(bootstrap) as lag:
            await _fill(bootstrap, source, 0, records)
            async with _worker(bootstrap, source, sink):
                rate = await _rate(lag, sink, records)
            await _fill(bootstrap, source, records, records_with_kill)
            async with _worker(bootstrap, source, sink) as worker:
                await _until(lag, sink, records + records_with_kill // 2)
                worker.kill()
            async with _worker(bootstrap, source, sink):
                await _finished(lag, source)
        return {"window": Window().in_flight, "records a minute": rate} | await _found(
            bootstrap, sink, records + records_with_kill
        )
    finally:
        async with kafka.open_admin(bootstrap) as admin:
            await admin.delete_topics([source.name, sink.name])


async def _fill(bootstrap: str, source: Topic, first: int, count: int) -> None:
    known = codec.load()
    async with kafka.open_publisher(bootstrap, linger_ms=20) as publisher:
        await publisher.publish(
            [
                kafka.message(known, source, f"key-{number % KEYS}", comment(number))
                for number in range(first, first + count)
            ]
        )


@contextlib.asynccontextmanager
async def _worker(bootstrap: str, source: Topic, sink: Topic) -> AsyncIterator[BaseProcess]:
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(bootstrap, source, sink))
    process.start()
    try:
        yield process
    finally:
        process.terminate()
        await asyncio.to_thread(process.join, 40)


def _work(bootstrap: str, source: Topic, sink: Topic) -> None:
    chance = random.Random()  # noqa: S311 - chance, not a secret

    async def call(each: Input[Any]) -> Result:
        await asyncio.sleep(chance.lognormvariate(math.log(MEDIAN), SIGMA))
        return Result((Output(sink, each.key, each.event),))

    async def compose(_resources: AsyncExitStack) -> runner.Work:
        return runner.Work(stages=[Stage(name="slow", reads=(source,), process=call, shape=Window())])

    runner.run(
        compose, RunnerSettings(bootstrap_servers=bootstrap, group_prefix=source.name, instance_id="0")
    )


async def _rate(lag: LagReader, sink: Topic, records: int) -> float:
    """Records a minute between the first and the last tenth: the window fills and empties at the ends."""
    await _until(lag, sink, records // 10)
    began, first = time.perf_counter(), await _count(lag, sink)
    last = await _until(lag, sink, records - records // 10)
    seconds = time.perf_counter() - began
    await _until(lag, sink, records)
    return (last - first) / seconds * 60


async def _until(lag: LagReader, sink: Topic, count: int) -> int:
    async with asyncio.timeout(WITHIN):
        while (found := await _count(lag, sink)) < count:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)
        return found


async def _count(lag: LagReader, sink: Topic) -> int:
    return sum(end for _, end in (await lag.end_offsets(sink.name)).values())


async def _finished(lag: LagReader, source: Topic) -> None:
    async with asyncio.timeout(WITHIN):
        while sum(row.lag for row in await lag.read(f"{source.name}.slow", [source.name])):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _found(bootstrap: str, sink: Topic, records: int) -> dict[str, float]:
    """Counts of what arrived. A record that overtook an earlier one of its key arrived out of order."""
    known, count, overtaken = codec.load(), 0, 0
    arrived: set[int] = set()
    latest: dict[bytes, int] = {}
    async for record in scan(bootstrap, sink.name):
        number = uuid.UUID(known.decode(record.value, CommentEvent).comment_id).int
        count += 1
        if number in arrived:
            continue  # a repetition; what counts is when it came first
        arrived.add(number)
        overtaken += number < latest.get(record.key, -1)
        latest[record.key] = max(number, latest.get(record.key, -1))
    return {
        "lost": records - len(arrived),
        "repeated after SIGKILL": count - len(arrived),
        "out of order within a key": overtaken,
    }
