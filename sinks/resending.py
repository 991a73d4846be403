"""Dead letters go back to the topic they came from: each once, as they were.

The mark (`dead_letters.replayed_at`) and the outbox row that the relay publishes are one transaction, so a
crash sends nothing twice and forgets nothing.

The record keeps its key, bytes and headers, and gets no replay mark: its stage has to do this work for the
first time, which may be a reply, and the mark would forbid that. Without it every group that reads the topic
takes the record again, as any repeated delivery: rows are keyed by what they say, the first machine decision
about a wording stays the only one, a comment has one reply at most by a unique index, and comments that are
too old, removed, edited or answered meanwhile are refused where new ones are. A record that was a replay when
it died still carries its own mark, and is one again.

If it dies again it lies at another offset, so it is a new dead letter, and the comment's state says so.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from infra.crypto import KeyRing
from infra.kafka import Message
from infra.postgres import Pool, transient
from schemas import topics
from schemas.errors import ConfigurationError
from schemas.events import DeadLetter
from sinks import facts, outbox
from streams.stage import Input

_MARK: Final = """
update dead_letters set replayed_at = clock_timestamp()
where dead_letter_id = $1 and replayed_at is null returning true
"""


class Outcome(StrEnum):
    """What became of the wish to send a letter back."""

    SENT_BACK = "sent_back"
    SENT_BEFORE = "sent_before"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Resent:
    """A letter, what became of it, and why: words for a person."""

    letter: DeadLetter
    outcome: Outcome
    said: str


async def send_back(pool: Pool, letter: DeadLetter, keys: KeyRing) -> Resent:
    """Marks the letter and puts its record into the outbox; raises TransientError if Postgres is away."""
    try:
        record = _record(letter, keys)
    except ConfigurationError as error:
        return Resent(letter, Outcome.IMPOSSIBLE, str(error))
    known = Input(letter, record.key, {}, topics.DEAD_LETTERS.name, 0, 0, letter.failed_at)
    with transient():
        async with pool.acquire() as connection, connection.transaction():
            comments = await facts.record(
                connection, [known]
            )  # the Postgres sink may not have come to it yet
            await facts.lock(connection, comments)
            if not await connection.fetchval(_MARK, letter.dead_letter_id):
                before = await connection.fetchval(
                    "select replayed_at from dead_letters where dead_letter_id = $1", letter.dead_letter_id
                )
                return Resent(letter, Outcome.SENT_BEFORE, f"it was sent back at {before:%F %T}; once is all")
            await outbox.enqueue_records(connection, [record])
            await facts.refresh(connection, comments)
    return Resent(letter, Outcome.SENT_BACK, f"to {letter.topic}")


async def sent_before(pool: Pool) -> dict[str, datetime]:
    """When letters were sent back, by their ids."""
    rows = await pool.fetch(
        "select dead_letter_id, replayed_at from dead_letters where replayed_at is not null"
    )
    return {str(row["dead_letter_id"]): row["replayed_at"] for row in rows}


def _record(letter: DeadLetter, keys: KeyRing) -> Message:
    """The record as it was; raises ConfigurationError, with what to do, if it cannot go back."""
    if letter.topic.startswith("webhook:"):
        platform = letter.topic.partition(":")[2]
        raise ConfigurationError(
            f"it is a change in a webhook and never was a record; mend what refused it (`parley dead-letters "
            f"show {letter.dead_letter_id}`), then let {platform} deliver it again"
        )
    if letter.topic not in topics.ALL or letter.topic == topics.DEAD_LETTERS.name:
        raise ConfigurationError(f"it came from {letter.topic}, which is no topic of this release's stages")
    value = letter.value
    if value is None or letter.key is None:
        raise ConfigurationError(
            f"the record has no {'value' if value is None else 'key'}: no stage can ever process it"
        )
    try:
        key = letter.key.decode()
    except UnicodeDecodeError:
        key = "\0"
    if "\0" in key:
        raise ConfigurationError("the record's key is no text: no stage can ever process it")
    if letter.key_id is not None:
        value = keys.open(value, letter.key_id, context=topics.DEAD_LETTERS.name)
    # The outbox keeps headers as JSON in Postgres, which has no NUL; no header of Parley's holds one.
    headers = {
        header.name: header.value
        for header in letter.headers
        if header.value is not None and b"\0" not in header.value and "\0" not in header.name
    }
    return Message(topic=letter.topic, key=key, value=value, headers=headers)
