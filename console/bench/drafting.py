"""The draft stage with a language model, simulated at 1.0 s median, 4 s at the 99th percentile, and faults.

Worker, simulator and load are processes of their own, on topics and in a database of their own.
"""

import asyncio
import dataclasses
import multiprocessing
import os
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Final

import uvloop
from aiokafka import AIOKafkaConsumer

from connectors.language_model.simulator import Simulator, SimulatorConfig
from console.bench.draft_worker import PAGE, Plan, run_worker
from console.bench.own_database import own_database
from console.bench.sample import comment
from console.servers import open_servers
from infra import kafka, postgres, settings
from schemas import codec
from schemas.events import Analysis, DraftedReply, EnrichedComment, utc_now
from schemas.labels import Intent, Sentiment
from schemas.topics import DEAD_LETTERS, Topic

COMMENTS: Final = 9_000
_SPAWN: Final = multiprocessing.get_context("spawn")
_TEXTS: Final = (
    "¿Abren el domingo {n}? Quiero ir con {n} amigos a probar el café",
    "El pedido {n} llegó tarde y frío, nadie me contesta desde ayer",
    "Me gustaría que tuvieran más opciones sin gluten, mesa {n}",
    "¿Me pueden decir si el local {n} tiene terraza para perros?",
)
_INTENTS: Final = (Intent.QUESTION, Intent.COMPLAINT, Intent.FEEDBACK, Intent.QUESTION)

_WIDTH: Final = 384
_EXAMPLES: Final = 600
_APPROVED: Final = """
with given as (
    select 'c' || place as name, gen_random_uuid() as comment, gen_random_uuid() as revision, embedding,
        (array['question', 'complaint', 'feedback'])[place % 3 + 1] as intent
    from unnest($1::bytea[]) with ordinality as given (embedding, place)
), asked as (
    insert into comments (comment_id, tenant_id, platform, account_id, platform_comment_id, text, received_at)
    select comment, 'default', 'facebook', $2, name, 'Una pregunta más ' || name, now() from given
), labelled as (
    insert into analyses (revision_id, model_hash, comment_id, model, sentiment, sentiment_scores, intent,
        intent_scores, language, language_confidence, unknown_share, enriched_at, embedding)
    select revision, repeat('0', 64), comment, 'none', 'neutral', '{}', intent, '{}', 'es', 1, 0, now(),
        embedding from given
)
insert into reply_queue (decision_id, comment_id, revision_id, tenant_id, platform, account_id,
    platform_comment_id, thread_id, text, decided_by, priority, state, settled_at)
select gen_random_uuid(), comment, revision, 'default', 'facebook', $2, name, name, 'Gracias, lo miramos',
    'person', 1, 'posted', now() from given
"""
"""Replies that people approved, from which each prompt takes those to the nearest comments."""


def measure() -> dict[str, float]:
    """Drafts a minute, from the first comment taken up to the last one committed; nothing may be missing."""
    run = uuid.uuid4().hex[:8]
    source = Topic(name=f"bench.{run}.enriched", schema="enriched_comment")
    sink = Topic(name=f"bench.{run}.drafted", schema="drafted_reply")
    with open_servers(settings.load()) as servers, own_database(servers.database) as database:
        here, there = _SPAWN.Pipe()
        endpoint = _SPAWN.Process(target=_simulate, args=(there,), daemon=True)
        endpoint.start()
        try:
            asyncio.run(_prepare(servers.kafka, database, source, sink))
            with ProcessPoolExecutor(1, mp_context=_SPAWN) as worker:
                plan = Plan(servers.kafka, database, source, sink, here.recv(), settle=COMMENTS)
                figures = worker.submit(run_worker, plan).result()
            here.send("how much CPU")
            figures["seconds of CPU of the simulator"] = here.recv()
            drafted = asyncio.run(drafted_comments(servers.kafka, sink))
        finally:
            endpoint.terminate()
            asyncio.run(_drop(servers.kafka, [source, sink]))
    return {**figures, "comments": COMMENTS, "comments without a draft": COMMENTS - len(drafted)}


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
            embedding=os.urandom(_WIDTH),
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


def _simulate(pipe: Connection) -> None:
    async def serve() -> None:
        simulator = Simulator(SimulatorConfig(median=1.0, p99=4.0, seed=7))
        simulator.faults.set("error_500", probability=0.02)
        simulator.faults.set("rate_limit", probability=0.01)
        async with simulator.serving() as url:
            pipe.send(url)
            await asyncio.to_thread(pipe.recv)
            pipe.send(time.process_time())

    uvloop.run(serve())


async def _prepare(bootstrap: str, database: str, source: Topic, sink: Topic) -> None:
    async with postgres.open_pool(database, size=1) as pool:
        await postgres.migrate(pool)
        await pool.execute(_APPROVED, [os.urandom(_WIDTH) for _ in range(_EXAMPLES)], PAGE)
    await kafka.create_topics(bootstrap, [source, sink, DEAD_LETTERS])
    await fill(bootstrap, source, range(COMMENTS))


async def _drop(bootstrap: str, dropped: Sequence[Topic]) -> None:
    async with kafka.open_admin(bootstrap) as admin:
        await admin.delete_topics([topic.name for topic in dropped])
