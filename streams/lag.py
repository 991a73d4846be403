"""How far this process's stages are behind, asked of the broker: what Faust reports goes stale in a stall."""

import asyncio
import uuid
from collections.abc import Callable, Sequence

from infra import logs, metrics
from infra.lag import LagReader, open_lag_reader
from schemas.errors import EnvironmentFault, TransientError
from streams.engine import Engine

ANSWER_WITHIN = 10.0
"""Seconds after which a question to the broker counts as unanswered."""

QUIET_FAILURES = 2
"""So many failures in a row are not worth a line."""

log = logs.get(__name__)


async def watch(
    bootstrap_servers: str, group: Callable[[str], str], engines: Sequence[Engine], *, every: float = 5.0
) -> None:
    """Keeps each stage's lag up to date, for metrics and health, until it is cancelled.

    Raises EnvironmentFault when a topic has been deleted and created again, after committing its beginning.
    """
    failures = 0
    known: dict[str, uuid.UUID] = {}
    async with open_lag_reader(bootstrap_servers) as reader:
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    replaced = await _replaced(reader, engines, known)
                    for engine in engines:
                        await _look(reader, group(engine.stage.name), engine)
                failures = 0
            except (TransientError, TimeoutError) as error:
                failures += 1
                if failures == QUIET_FAILURES + 1:  # a new group has no coordinator for its first moments
                    log.warning("lag unknown", error=str(error) or "no answer")
            else:
                if replaced:
                    await _start_over(engines, replaced)
            await asyncio.sleep(every)


async def _replaced(reader: LagReader, engines: Sequence[Engine], known: dict[str, uuid.UUID]) -> set[str]:
    """Topics of the stages that are others than the first time."""
    names = sorted({topic.name for engine in engines for topic in engine.stage.reads})
    found = await reader.topic_ids(names)
    return {name for name, topic_id in found.items() if known.setdefault(name, topic_id) != topic_id}


async def _start_over(engines: Sequence[Engine], replaced: set[str]) -> None:
    for engine in engines:
        for topic in engine.stage.reads:
            if topic.name in replaced:
                await engine.start_over(topic.name)
    raise EnvironmentFault(
        f"{', '.join(sorted(replaced))}: deleted and created again while it was being read. "
        "Start this process again: it will read the new topic from its beginning."
    )


async def _look(reader: LagReader, group: str, engine: Engine) -> None:
    name = engine.stage.name
    owned = engine.partitions()
    rows = await reader.read(group, [topic.name for topic in engine.stage.reads])
    total = 0
    for row in rows:
        labels = (name, row.topic, str(row.partition))
        if (row.topic, row.partition) in owned:
            metrics.LAG.labels(*labels).set(row.lag)
            total += row.lag
        else:
            metrics.LAG.remove(*labels)  # its owner tells
    engine.state.lag = total
    if not total and not engine.state.in_flight:
        engine.state.progress()
