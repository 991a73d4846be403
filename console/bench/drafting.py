"""The draft stage with a language model, simulated at 1.0 s median, 4 s at the 99th percentile, and faults.

Worker, simulator and load are processes of their own, on topics and in a database of their own.
"""

import asyncio
import dataclasses
import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from typing import Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from prometheus_client import REGISTRY
from pydantic import SecretStr

from connectors.language_model.simulator import Simulator, SimulatorConfig
from console.bench.sample import comment
from console.drafting import compose_drafter
from console.live_desk import LiveDesk
from console.servers import Servers, open_servers
from infra import kafka, postgres, settings
from infra.settings import Settings
from replies.account import AccountView
from schemas import codec
from schemas.events import (
    Analysis,
    ConfigChange,
    ConfigKind,
    DraftedReply,
    EnrichedComment,
    Platform,
    utc_now,
)
from schemas.labels import Intent, Sentiment
from schemas.topics import DEAD_LETTERS, Topic
from streams import runner
from streams.config import ConfigView
from streams.settings import RunnerSettings
from streams.stage import Input, OneProcess, Output, Result, Stage
from streams.stages.draft import draft

COMMENTS: Final = 9_000
_SPAWN: Final = multiprocessing.get_context("spawn")
_PAGE: Final = "104000000000001"
_TEXTS: Final = (
    "¿Abren el domingo {n}? Quiero ir con {n} amigos a probar el café",
    "El pedido {n} llegó tarde y frío, nadie me contesta desde ayer",
    "Me gustaría que tuvieran más opciones sin gluten, mesa {n}",
    "¿Me pueden decir si el local {n} tiene terraza para perros?",
)
_INTENTS: Final = (Intent.QUESTION, Intent.COMPLAINT, Intent.FEEDBACK, Intent.QUESTION)


def measure() -> dict[str, float]:
    """Drafts a minute, from the first comment taken up to the last one committed; nothing may be missing."""
    run = uuid.uuid4().hex[:8]
    source = Topic(name=f"bench.{run}.enriched", schema="enriched_comment")
    sink = Topic(name=f"bench.{run}.drafted", schema="drafted_reply")
    with open_servers(settings.load()) as servers:
        name = f"bench_{run}"
        url = urlunsplit(urlsplit(servers.database)._replace(path=f"/{name}"))
        asyncio.run(_execute(servers.database, f'create database "{name}"'))
        given, taken = _SPAWN.Pipe()
        endpoint = _SPAWN.Process(target=_simulate, args=(taken,), daemon=True)
        endpoint.start()
        try:
            asyncio.run(_prepare(servers.kafka, url, source, sink))
            with ProcessPoolExecutor(1, mp_context=_SPAWN) as worker:
                plan = Plan(servers.kafka, url, source, sink, given.recv(), settle=COMMENTS)
                figures = worker.submit(run_worker, plan).result()
            drafted = asyncio.run(drafted_comments(servers.kafka, sink))
        finally:
            endpoint.terminate()
            asyncio.run(_drop(servers.kafka, [source, sink]))
            asyncio.run(_execute(servers.database, f'drop database "{name}" with (force)'))
    return {**figures, "comments": COMMENTS, "comments without a draft": COMMENTS - len(drafted)}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a worker works on; `settle`: records after which it ends by itself."""

    kafka: str
    database: str
    source: Topic
    sink: Topic
    endpoint: str
    settle: int | None = None


def run_worker(plan: Plan) -> dict[str, float]:
    """One draft worker as `parley worker draft` composes it, on the plan's topics."""
    times: list[float] = []
    done = 0

    def acknowledged(inputs: Sequence[Input[Any]]) -> None:
        nonlocal done
        done += len(inputs)
        if plan.settle is not None and done >= plan.settle:
            times.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGTERM)

    async def compose(resources: AsyncExitStack) -> runner.Work:
        work = runner.Work()
        desk = _desk(plan.kafka)
        drafter, in_flight = await compose_drafter(
            work, resources, _settings(plan), Servers(kafka=plan.kafka, database=plan.database), desk
        )
        stage = draft(desk.triage, drafter, desk.decide, in_flight=in_flight)
        work.stages.append(on_topics(stage, plan.source, plan.sink, times.append, acknowledged))
        return work

    used = time.process_time()
    runner.run(compose, RunnerSettings(bootstrap_servers=plan.kafka, group_prefix=plan.source.name))
    taken = times[-1] - times[0]
    return {
        "drafts a minute": done / taken * 60,
        "seconds": taken,
        "written by the language model": _total("parley_drafts_total", origin="language_model"),
        "by template": _total("parley_drafts_total", origin="template"),
        "calls": _total("parley_language_model_calls_total"),
        "calls answered": _total("parley_language_model_calls_total", result="answered"),
        "seconds of CPU of the worker": time.process_time() - used,
    }


def on_topics(
    stage: Stage,
    source: Topic,
    sink: Topic,
    began: Callable[[float], None],
    acknowledged: Callable[[Sequence[Input[Any]]], None],
) -> Stage:
    """The stage, reading and writing these topics instead of its own."""
    process = cast(OneProcess, stage.process)

    async def one(each: Input[Any]) -> Result:
        began(time.perf_counter())
        result = await process(each)
        outputs = tuple(Output(sink, made.key, made.event) for made in result.outputs)
        return dataclasses.replace(result, outputs=outputs)

    return dataclasses.replace(stage, reads=(source,), process=one, acknowledged=acknowledged)


def enriched(number: int) -> EnrichedComment:
    """Comments that triage lets through and that resemble no other closely."""
    kind = number % len(_TEXTS)
    event = dataclasses.replace(comment(number), text=_TEXTS[kind].format(n=number), author_name="Ana")
    mood = Sentiment.NEGATIVE if _INTENTS[kind] is Intent.COMPLAINT else Sentiment.NEUTRAL
    return EnrichedComment(
        comment=event,
        analysis=Analysis(
            model="none",
            model_hash="0" * 64,
            sentiment=mood,
            sentiment_scores={str(each): 0.9 if each is mood else 0.05 for each in Sentiment},
            intent=_INTENTS[kind],
            intent_scores={str(_INTENTS[kind]): 0.95},
            language="es",
            language_confidence=0.97,
            unknown_share=0.0,
        ),
        enriched_at=utc_now(),
    )


async def fill(bootstrap: str, source: Topic, numbers: Sequence[int]) -> None:
    """Puts these comments on a topic."""
    known = codec.load()
    async with kafka.open_publisher(bootstrap, linger_ms=20) as publisher:
        for first in range(0, len(numbers), 1000):
            events = [enriched(number) for number in numbers[first : first + 1000]]
            await publisher.publish(
                [kafka.message(known, source, each.comment.comment_id, each) for each in events]
            )


async def drafted_comments(bootstrap: str, sink: Topic) -> dict[str, list[DraftedReply]]:
    """What lies on a topic of drafts now, by comment."""
    known = codec.load()
    found: dict[str, list[DraftedReply]] = {}
    consumer = AIOKafkaConsumer(
        sink.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(each) < end for each, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    event = known.decode(record.value, DraftedReply)
                    found.setdefault(event.comment.comment_id, []).append(event)
    finally:
        await consumer.stop()
    return found


def _settings(plan: Plan) -> Settings:
    return settings.load(language_model_url=plan.endpoint, language_model_key=SecretStr("sk-simulated"))


def _desk(bootstrap: str) -> LiveDesk:
    """A desk for the page of the comments, under the shipped policy and templates."""
    view = ConfigView(bootstrap)
    desk = LiveDesk(view, "default")
    account = AccountView(
        platform=Platform.FACEBOOK, account_id=_PAGE, name="Café Sol", default_language="es"
    )
    view.apply(
        ConfigChange(
            kind=ConfigKind.ACCOUNT,
            tenant_id="default",
            key=account.config_key,
            version=1,
            payload=account.payload,
            changed_by="bench",
        )
    )
    return desk


def _simulate(pipe: Connection) -> None:
    async def serve() -> None:
        simulator = Simulator(SimulatorConfig(median=1.0, p99=4.0, seed=7))
        simulator.faults.set("error_500", probability=0.02)
        simulator.faults.set("rate_limit", probability=0.01)
        async with simulator.serving() as url:
            pipe.send(url)
            await asyncio.Event().wait()

    uvloop.run(serve())


async def _prepare(bootstrap: str, database: str, source: Topic, sink: Topic) -> None:
    async with postgres.open_pool(database, size=1) as pool:
        await postgres.migrate(pool)
    await kafka.create_topics(bootstrap, [source, sink, DEAD_LETTERS])
    await fill(bootstrap, source, range(COMMENTS))


async def _drop(bootstrap: str, dropped: Sequence[Topic]) -> None:
    async with kafka.open_admin(bootstrap) as admin:
        await admin.delete_topics([topic.name for topic in dropped])


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _total(name: str, **labels: str) -> float:
    """A counter of this process, summed over the labels that are not given."""
    return sum(
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
