"""The Postgres sink: every topic becomes rows.

Effects: tables as `sinks.facts` describes, one transaction a batch. Outputs: none. Safe to repeat.
"""

from collections.abc import Sequence
from typing import Any

from infra.postgres import Pool, transient
from schemas import topics
from sinks import facts
from streams.stage import Batches, Input, Result, Stage


def postgres_sink(pool: Pool, *, shape: Batches | None = None) -> Stage:
    """The stage; `pool` needs one connection for it."""

    async def process(batch: Sequence[Input[Any]]) -> list[Result]:
        with transient():
            async with pool.acquire() as connection, connection.transaction():
                await facts.write(connection, batch)
        return [Result(outcome="stored")] * len(batch)

    return Stage(
        name="postgres",
        reads=(
            topics.COMMENTS_RAW,
            topics.COMMENTS_ENRICHED,
            topics.COMMENTS_SHADOW,
            topics.REPLIES_DRAFTED,
            topics.REPLIES_DECIDED,
            topics.REPLIES_OUTCOMES,
            topics.POSTS_RAW,
            topics.ENGAGEMENT_RAW,
            topics.DEAD_LETTERS,
        ),
        shape=shape or Batches(size=512, within=0.1),
        process=process,
    )
