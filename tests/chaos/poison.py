"""Records that no stage can process, put straight on the topics, and the dead letters they must become."""

import itertools
import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from console.stages import STAGE_INPUTS
from schemas import codec, topics
from schemas.events import CommentEvent, CommentKind, Platform, PostEvent, Source
from schemas.topics import Topic

ACCOUNT: Final = "poison"
_CODEC: Final = codec.load()


def _not_avro(number: int) -> bytes:
    return f"poison number {number} is not Avro".encode()


def _unknown_schema(number: int) -> bytes:
    return struct.pack(">BI", 0, 900_000 + number) + b"whatever"


def _another_event(number: int) -> bytes:
    """Well-formed, but no event of any topic that poison goes to."""
    return _CODEC.encode(
        PostEvent(
            tenant_id="default",
            platform=Platform.FACEBOOK,
            account_id=ACCOUNT,
            platform_post_id=f"poison-{number}",
            observed_at=datetime.now(UTC),
        )
    )


def _without_revision(number: int) -> bytes:
    """Readable by everybody; `enrich` cannot process it."""
    now = datetime.now(UTC)
    return _CODEC.encode(
        CommentEvent(
            kind=CommentKind.ADDED,
            tenant_id="default",
            platform=Platform.FACEBOOK,
            account_id=ACCOUNT,
            comment_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"poison-{number}")),
            platform_comment_id=f"poison-{number}",
            text="which wording is this?",
            occurred_at=now,
            observed_at=now,
            source=Source.WEBHOOK,
        )
    )


@dataclass(frozen=True, slots=True)
class _Recipe:
    topic: Topic
    make: Callable[[int], bytes] | None
    reason: str
    stages: tuple[str, ...]


def _recipes() -> Iterator[_Recipe]:
    for topic in (
        topics.COMMENTS_RAW,
        topics.COMMENTS_ENRICHED,
        topics.REPLIES_DRAFTED,
        topics.REPLIES_DECIDED,
        topics.REPLIES_OUTCOMES,
    ):
        stages = tuple(name for name, inputs in STAGE_INPUTS.items() if topic in inputs)
        yield _Recipe(topic, _not_avro, "undecodable", stages)
        yield _Recipe(topic, _unknown_schema, "undecodable", stages)
        yield _Recipe(topic, _another_event, "undecodable", stages)
        yield _Recipe(topic, None, "null_value", stages)
    yield _Recipe(topics.COMMENTS_RAW, _without_revision, "invalid_event", ("enrich",))


@dataclass(frozen=True, slots=True)
class Expected:
    """A dead letter that must exist, by everything that names it."""

    stage: str
    reason: str
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None


@dataclass(slots=True)
class Poisoner:
    """Puts poison on the topics; `expected` grows as the broker acknowledges it."""

    producer: AIOKafkaProducer
    expected: list[Expected] = field(default_factory=list)
    records: int = 0
    _recipes: Iterator[_Recipe] = field(default_factory=lambda: itertools.cycle(_recipes()))

    async def add(self) -> None:
        """One record; waits until the broker has it, however long that takes."""
        recipe, number = next(self._recipes), self.records
        self.records += 1
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"poison-{number}")).encode()
        value = recipe.make(number) if recipe.make else None
        place = await self.producer.send_and_wait(recipe.topic.name, value, key=key)
        self.expected += [
            Expected(stage, recipe.reason, recipe.topic.name, place.partition, place.offset, key, value)
            for stage in recipe.stages
        ]
