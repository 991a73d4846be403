"""History that Kafka no longer keeps: comments are fed in again from their rows in Postgres.

Only `comments.raw` can be fed so, and with each comment's current wording only: everything else follows from
it. Comments that were removed are left out, for their authors took them back.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import TopicPartition

from infra.backlog import open_backlog_reader
from infra.kafka import Message, Publisher, message
from infra.postgres import Pool, transient
from schemas import codec, headers
from schemas.errors import InvalidEventError
from schemas.events import Source
from schemas.topics import COMMENTS_RAW, Topic
from sinks.stored_comments import WORDING, comment_of

AT_ONCE: Final = 500

_PAGE: Final = f"""
select {WORDING}, r.source from comments c join comment_revisions r on r.revision_id = c.current_revision_id
where c.received_at >= $1 and c.received_at < $2 and c.removed_at is null
    and (c.received_at, c.comment_id) > ($3, $4::uuid)
order by c.received_at, c.comment_id limit {AT_ONCE}
"""  # noqa: S608
_BEFORE_ALL: Final = "00000000-0000-0000-0000-000000000000"


async def kept_since(bootstrap: str, topic: Topic) -> datetime | None:
    """From when on the topic surely keeps all its records; None if it never deleted any.

    Partitions forget at different times: this is the first record's time in that which forgot most. One that
    forgot everything keeps nothing before now.
    """
    async with open_backlog_reader(bootstrap) as reader:
        forgetful = {
            TopicPartition(topic.name, partition): (first, end)
            for partition, (first, end) in (await reader.lag.end_offsets(topic.name)).items()
            if first > 0
        }
        filled = {place: first for place, (first, end) in forgetful.items() if end > first}
        stamps = await reader.timestamps(filled) if filled else {}
    if not forgetful:
        return None
    return max(stamps.values()) if len(stamps) == len(forgetful) else datetime.now(UTC)


async def feed_history(
    pool: Pool,
    publisher: Publisher,
    since: datetime,
    until: datetime,
    mark: bytes,
    *,
    leave_out: Collection[str] = frozenset(),
) -> tuple[int, int]:
    """Publishes the comments received in [since, until) on `comments.raw`, marked.

    Gives (how many, how many rows were left out because they are no event). `leave_out`: ids of comments that
    were fed in from Kafka already. Raises TransientError if Kafka or Postgres goes away; repeating is safe.
    """
    count, unreadable = 0, 0
    place: tuple[datetime, str] = (since, _BEFORE_ALL)
    while True:
        with transient():
            rows = await pool.fetch(_PAGE, since, until, *place)
        wanted = [row for row in rows if str(row["comment_id"]) not in leave_out]
        records = [record for row in wanted if (record := _record(row, mark)) is not None]
        await publisher.publish(records)
        count, unreadable = count + len(records), unreadable + len(wanted) - len(records)
        if len(rows) < AT_ONCE:
            return count, unreadable
        place = (rows[-1]["received_at"], str(rows[-1]["comment_id"]))


def _record(row: Any, mark: bytes) -> Message | None:
    try:
        event = comment_of(row, Source(row["source"]))
        return message(codec.load(), COMMENTS_RAW, event.comment_id, event, {headers.REPLAY: mark})
    except (InvalidEventError, ValueError, KeyError, TypeError):
        return None
