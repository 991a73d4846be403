"""`parley replay`: records of the past are fed in again, marked, into the same idempotent rows."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from console import history
from console.moments import moment
from console.servers import Servers, open_servers
from console.stages import STAGE_INPUTS
from infra import kafka, postgres, settings
from infra.scan import scan
from schemas import codec, headers, topics
from schemas.errors import ConfigurationError, DecodeError
from schemas.events import EVENTS, CommentEvent
from schemas.records import Event
from schemas.topics import Topic

_AT_ONCE: Final = 500
_ON_THE_WAY: Final = timedelta(minutes=5)
"""A record's timestamp may lie so long after its comment was received."""


def replay(
    since: Annotated[str, typer.Option("--from", help="Begin: a time, or so long ago (90m, 12h, 3d).")],
    until: Annotated[str | None, typer.Option("--to", help="End (not included); now by default.")] = None,
    stage: Annotated[
        str, typer.Option(help="Feed this stage's input topics; all follow from there.")
    ] = "enrich",
    allow_posting: Annotated[bool, typer.Option(help="Let replayed records lead to replies.")] = False,
) -> None:
    """Feeds past records in again. Rows stay as they are, and nothing is posted unless allowed."""
    if stage not in STAGE_INPUTS:
        raise ConfigurationError(f"There is no stage {stage!r}. Stages: {', '.join(STAGE_INPUTS)}.")
    begin, end = moment(since), moment(until) if until else None
    mark = headers.REPLAY_ALLOW_POSTING if allow_posting else headers.REPLAY_MARK
    with open_servers(settings.load()) as servers:
        for topic in STAGE_INPUTS[stage]:
            if topic is topics.DEAD_LETTERS:
                continue  # these are replayed by `parley dead-letters replay`, to where they came from
            for line in asyncio.run(_replay(servers, topic, begin, end, mark)):
                print(f"{topic.name}: {line}")


async def _replay(
    servers: Servers, topic: Topic, begin: datetime, end: datetime | None, mark: bytes
) -> list[str]:
    """Feeds one topic: from Kafka what it keeps, from Postgres what is older; says what came from where."""
    kept_since = await history.kept_since(servers.kafka, topic)
    from_kafka: set[str] = set()

    def note(record: Any, event: Event) -> None:
        at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        overlaps = kept_since is not None and at < kept_since + _ON_THE_WAY
        if overlaps and isinstance(event, CommentEvent) and event.kind.has_wording:
            from_kafka.add(event.comment_id)

    fed, unreadable = await feed_again(servers.kafka, topic, begin, end, mark, on_fed=note)
    said = [f"{fed} records fed in again"]
    if unreadable:
        said.append(f"{unreadable} left out, they are dead letters (`parley dead-letters list`)")
    if kept_since is None or begin >= kept_since:
        return said
    if topic is not topics.COMMENTS_RAW:
        said.append(f"Kafka keeps all of it since {kept_since:%F %T} only; older comments: --stage enrich")
        return said
    until = min(end, kept_since) if end else kept_since
    async with (
        postgres.open_pool(servers.database, size=1) as pool,
        kafka.open_publisher(servers.kafka) as publisher,
    ):
        old, unfit = await history.feed_history(pool, publisher, begin, until, mark, leave_out=from_kafka)
    said.append(f"{old} comments fed in again from Postgres: Kafka keeps all since {kept_since:%F %T} only")
    if unfit:
        said.append(f"{unfit} comments left out: their rows are no events")
    return said


async def feed_again(
    bootstrap: str,
    topic: Topic,
    since: datetime | None,
    until: datetime | None,
    mark: bytes,
    *,
    on_fed: Callable[[Any, Event], None] = lambda _record, _event: None,
) -> tuple[int, int]:
    """Publishes the records of a span anew on the same topic with the replay mark.

    Gives (how many, how many were left out as unreadable: no stage could do more with them now). Records that
    are replays themselves are passed over: a second replay repeats the past, not the first replay.
    `on_fed` is called with each record that is fed in and its event.
    """
    count, unreadable = 0, 0
    waiting: list[kafka.Message] = []
    known_schemas, event_class = codec.load(), EVENTS[topic.schema]
    async with kafka.open_publisher(bootstrap) as publisher:
        async for record in scan(bootstrap, topic.name, since=since, until=until):
            known = {name: value for name, value in record.headers if name in headers.PASSED_ON}
            if headers.REPLAY in known:
                continue
            try:
                event = known_schemas.decode(record.value, event_class)
                key = (record.key or b"").decode()
            except (DecodeError, UnicodeDecodeError):
                unreadable += 1
                continue
            waiting.append(
                kafka.Message(
                    topic=topic.name,
                    key=key,
                    value=record.value,
                    headers={**known, headers.REPLAY: mark},
                )
            )
            on_fed(record, event)
            if len(waiting) >= _AT_ONCE:
                await publisher.publish(waiting)
                count, waiting = count + len(waiting), []
        await publisher.publish(waiting)
    return count + len(waiting), unreadable
