"""The post sink: what was decided to send is queued; removals, edits and staff answers end waiting replies.

Reads decisions and comment events. It writes the facts it needs itself, by the same statements as the
Postgres sink, so that neither waits for the other. Effects: rows of the queue, outcomes in the outbox; one
transaction a batch. Safe to repeat; in whatever order the two topics are read, nothing stale goes out.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from infra.postgres import Pool, transient
from schemas import codec, topics
from schemas.errors import InvalidEventError
from schemas.events import CommentEvent, Decision
from sinks import actions, facts, queueing, worth
from streams.stage import Batches, Input, Result, Stage

Clock = Callable[[], datetime | None]
"""The present, or None for the database's own clock."""


def database_clock() -> datetime | None:
    """The default: all processes go by the database's clock."""
    return None


def post_sink(
    pool: Pool, *, staff_grace: float = 30, clock: Clock = database_clock, shape: Batches | None = None
) -> Stage:
    """The stage; `pool` needs one connection for it. `staff_grace` in seconds, see `Settings.staff_grace`."""
    encoder = codec.load()

    async def process(batch: Sequence[Input[Any]]) -> list[Result]:
        results = [_refusal(record.event) for record in batch]
        live = [record for record, refused in zip(batch, results, strict=True) if refused is None]
        now = clock()
        with transient():
            async with pool.acquire() as connection, connection.transaction():
                comments = await facts.record(connection, live)
                await queueing.cancel(connection, encoder, comments, now=now, grace=staff_grace)
                states = await queueing.enqueue_staged(connection, encoder, now=now)
                await worth.weigh(connection)
                await actions.order_staged(connection)
                await facts.refresh(connection, comments)
        return [
            refused or Result(outcome=_outcome(record.event, states))
            for record, refused in zip(batch, results, strict=True)
        ]

    return Stage(
        name="post",
        reads=(topics.COMMENTS_RAW, topics.REPLIES_DECIDED),
        shape=shape or Batches(size=256, within=0.02),
        process=process,
    )


def _refusal(event: object) -> Result | None:
    if isinstance(event, Decision) and event.action.sends and not (event.text or "").strip():
        return Result(dead=InvalidEventError(f"decision {event.decision_id} sends a reply without a text"))
    return None


def _outcome(event: object, states: dict[str, str]) -> str:
    if isinstance(event, Decision):
        return states.get(event.decision_id, "known" if event.action.sends else str(event.action))
    return str(event.kind) if isinstance(event, CommentEvent) else "noted"
