"""`parley replay`: records of the past are fed in again, marked, into the same idempotent rows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from console.servers import open_servers
from console.stages import STAGE_INPUTS
from infra import kafka, settings
from infra.scan import scan
from schemas import codec, headers, topics
from schemas.errors import ConfigurationError, DecodeError
from schemas.events import EVENTS
from schemas.topics import Topic

_AT_ONCE = 500


def moment(text: str) -> datetime:
    """A time as operators write it: ISO 8601, or so long ago (`90m`, `12h`, `3d`)."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[-1:] in units and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a time. Examples: 2026-11-22T08:00, 2026-11-22T08:00+01:00, 90m, 12h, 3d."
        ) from None
    return parsed if parsed.tzinfo else parsed.astimezone()


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
            fed, unreadable = asyncio.run(feed_again(servers.kafka, topic, begin, end, mark))
            print(f"{topic.name}: {fed} records fed in again")
            if unreadable:
                print(
                    f"{topic.name}: {unreadable} left out, they are dead letters (`parley dead-letters list`)"
                )


async def feed_again(
    bootstrap: str, topic: Topic, since: datetime | None, until: datetime | None, mark: bytes
) -> tuple[int, int]:
    """Publishes the records of a span anew on the same topic with the replay mark.

    Gives (how many, how many were left out as unreadable: no stage could do more with them now). Records that
    are replays themselves are passed over: a second replay repeats the past, not the first replay.
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
                known_schemas.decode(record.value, event_class)
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
            if len(waiting) >= _AT_ONCE:
                await publisher.publish(waiting)
                count, waiting = count + len(waiting), []
        await publisher.publish(waiting)
    return count + len(waiting), unreadable
