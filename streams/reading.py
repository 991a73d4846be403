"""Bytes from Kafka to a typed `Input`, or the reason why that is impossible. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.codec import Codec
from schemas.errors import DecodeError, PoisonError
from schemas.records import Event
from streams.stage import Input, Stage


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as Kafka gave it; headers keep their order and repetitions."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def text_key(self) -> str | None:
        """The key, if there is one and it is UTF-8."""
        try:
            return None if self.key is None else self.key.decode()
        except UnicodeDecodeError:
            return None


class Reader:
    """Decodes the records of one stage's topics."""

    def __init__(self, stage: Stage, codec: Codec) -> None:
        self._decode = codec.decode
        self._classes: dict[str, type[Event]] = {t.name: stage.event_class(t.name) for t in stage.reads}

    def read(self, raw: Raw) -> Input[Any]:
        """The record as the stage sees it; raises PoisonError."""
        if raw.value is None:
            raise PoisonError("the record has no value; only compacted topics may carry deletions")
        if raw.key is None:
            raise PoisonError("the record has no key; every topic is keyed (schemas.topics)")
        try:
            key = raw.key.decode()
        except UnicodeDecodeError as error:
            raise DecodeError("the record's key is not UTF-8") from error
        event = self._decode(raw.value, self._classes[raw.topic])
        return Input(
            event,
            key,
            {name: value for name, value in raw.headers if value is not None},
            raw.topic,
            raw.partition,
            raw.offset,
            raw.timestamp or datetime.fromtimestamp(0, UTC),
        )


def from_message(message: Any) -> Raw:
    """A Faust message as `Raw`; Faust gives timestamps in seconds and headers as pairs or a mapping."""
    headers = message.headers or ()
    if isinstance(headers, Mapping):
        headers = headers.items()
    stamp = message.timestamp
    return Raw(
        message.topic,
        message.partition,
        message.offset,
        None if stamp is None or stamp < 0 else datetime.fromtimestamp(stamp, UTC),
        message.key,
        message.value,
        tuple(headers),
    )
