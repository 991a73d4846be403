"""The outbox: events written in the transaction of the rows they tell of, carried to Kafka by `sinks.relay`.

Whoever writes about a comment holds its row (see `sinks.facts`), so the outbox ids of one key rise in the
order of the commits, and the relay keeps that order.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from infra.kafka import Message
from infra.postgres import Connection
from schemas import identity
from schemas.codec import Codec
from schemas.errors import InvalidEventError
from schemas.events import Platform, ReplyOutcome
from schemas.headers import TRACEPARENT
from schemas.records import Event
from schemas.states import AttemptOutcome
from schemas.topics import REPLIES_OUTCOMES, Topic

CHANNEL: Final = "parley_outbox"
"""Notified when rows were added; delivered when the transaction commits."""

_INSERT: Final = """
with added as (
    insert into outbox (topic, key, value, headers)
    select * from unnest($1::text[], $2::text[], $3::bytea[], $4::jsonb[])
)
select pg_notify('parley_outbox', '')
"""


async def enqueue(
    connection: Connection,
    codec: Codec,
    topic: Topic,
    key: str,
    event: Event,
    headers: Mapping[str, bytes] | None = None,
) -> None:
    """Adds one event, within the caller's transaction; raises InvalidEventError if it fits no schema."""
    await enqueue_all(connection, codec, topic, [(key, event)], headers)


async def enqueue_all(
    connection: Connection,
    codec: Codec,
    topic: Topic,
    events: Iterable[tuple[str, Event]],
    headers: Mapping[str, bytes] | None = None,
) -> None:
    """Adds events by key, in order, within the caller's transaction."""
    given = headers or {}
    await enqueue_records(
        connection,
        [
            Message(topic=topic.name, key=key, value=codec.encode(event), headers=given)
            for key, event in events
        ],
    )


async def enqueue_records(connection: Connection, records: Sequence[Message]) -> None:
    """Adds encoded records, in order, within the caller's transaction; no header may hold a NUL byte."""
    if records:
        await connection.execute(
            _INSERT,
            [each.topic for each in records],
            [each.key for each in records],
            [each.value for each in records],
            [{name: value.decode("latin-1") for name, value in each.headers.items()} for each in records],
        )


def outcome_of(row: Mapping[str, Any], outcome: AttemptOutcome) -> ReplyOutcome:
    """The event that tells how a row of the reply queue ended; `row`: its columns after the change, and `at`.

    Raises InvalidEventError if the row's platform is none of ours.
    """
    try:
        platform = Platform(row["platform"])
    except ValueError as error:
        raise InvalidEventError(f"a reply is queued for the unknown platform {row['platform']!r}") from error
    decision = str(row["decision_id"])
    parts = ("outcome", decision, str(row["attempts"]), outcome)
    return ReplyOutcome(
        outcome_id=str(uuid.uuid5(identity.NAMESPACE, "\x1f".join(parts))),
        tenant_id=row["tenant_id"],
        platform=platform,
        account_id=row["account_id"],
        comment_id=str(row["comment_id"]),
        revision_id=str(row["revision_id"]),
        decision_id=decision,
        draft_id=str(row["draft_id"]) if row["draft_id"] else None,
        outcome=outcome,
        reason=row["reason"],
        attempts=row["attempts"],
        reply_id=row["reply_id"],
        text=row["text"],
        at=row["at"],
    )


async def enqueue_outcomes(connection: Connection, codec: Codec, rows: Iterable[Mapping[str, Any]]) -> None:
    """Tells `replies.outcomes` how rows of the reply queue ended; `state` names the outcome.

    Each goes on in the trace of its decision (`traceparent`).
    """
    await enqueue_records(
        connection,
        [
            Message(
                topic=REPLIES_OUTCOMES.name,
                key=str(row["comment_id"]),
                value=codec.encode(outcome_of(row, AttemptOutcome(row["state"]))),
                headers={TRACEPARENT: row["traceparent"].encode()} if row["traceparent"] else {},
            )
            for row in rows
        ],
    )
