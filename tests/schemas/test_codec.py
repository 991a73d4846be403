"""The wire format: what is written can be read; what cannot be read is a DecodeError, no other error."""

import dataclasses
import functools
import struct
import types
import typing
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.errors import DecodeError, InvalidEventError
from schemas.events import (
    EVENTS,
    Attachment,
    CommentEvent,
    CommentKind,
    DeadLetter,
    Header,
    Platform,
    PostEvent,
    ReplyOutcome,
    Source,
)
from schemas.records import Event, Record
from schemas.states import AttemptOutcome

CODEC = codec.load()
NOW = datetime(2026, 11, 22, 17, 10, 0, 123456, tzinfo=UTC)
ALL_EVENTS = pytest.mark.parametrize("event_class", EVENTS.values(), ids=EVENTS)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SCALARS: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(width=32, allow_nan=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
    datetime: st.datetimes(
        datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC), allow_imaginary=False  # noqa: DTZ001
    ).map(lambda time: time.replace(fold=0)),
}  # fmt: skip


@functools.cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint that an event may use."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (part for part in arguments if part is not types.NoneType)
        return st.none() | values(inner)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=4)
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if issubclass(hint, Record):
        return records(hint)
    return SCALARS[hint]


def events(event_class: Any) -> st.SearchStrategy[Any]:
    """Events of a class."""
    return values(event_class)


def records(record_class: type[Record]) -> st.SearchStrategy[Any]:
    """Records of a class with every field set, built from its type hints."""
    hints = typing.get_type_hints(record_class)
    return st.builds(
        record_class,
        **{item.name: values(hints[item.name]) for item in dataclasses.fields(record_class)},  # type: ignore[arg-type]
    )


EXAMPLE = CommentEvent(
    kind=CommentKind.ADDED,
    tenant_id="default",
    platform=Platform.FACEBOOK,
    account_id="page",
    comment_id="00000000-0000-5000-8000-000000000000",
    platform_comment_id="1_2",
    text="¿Cuándo abren? 🌞",
    attachments=(Attachment(kind="photo", url="https://example.org/a.jpg"),),
    occurred_at=NOW,
    observed_at=NOW,
    source=Source.WEBHOOK,
)
OUTCOME = ReplyOutcome(
    outcome_id="o",
    tenant_id="default",
    platform=Platform.X,
    account_id="a",
    comment_id="c",
    revision_id="r",
    decision_id="d",
    outcome=AttemptOutcome.POSTED,
    reason="",
    attempts=1,
    at=NOW,
)


@ALL_EVENTS
@quick
@given(data=st.data())
def test_every_event_comes_back_as_it_was(event_class: type[Event], data: st.DataObject) -> None:
    event = data.draw(events(event_class))
    back = CODEC.decode(CODEC.encode(event), event_class)
    assert back == event
    assert repr(back) == repr(event)  # enum members, tuples and UTC, not things equal to them


def test_a_large_offset_comes_back() -> None:
    letter = DeadLetter(
        dead_letter_id="d", stage="s", reason="r", error="e", message="m", stack="", topic="t", partition=0,
        offset=2**62, headers=(Header(name="h", value=b"\xff"), Header(name="none")), failed_at=NOW,
    )  # fmt: skip
    assert CODEC.decode(CODEC.encode(letter), DeadLetter) == letter


def test_a_time_of_another_zone_keeps_its_instant() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    event = dataclasses.replace(EXAMPLE, occurred_at=there)
    assert CODEC.decode(CODEC.encode(event), CommentEvent).occurred_at == NOW


def test_the_wire_format_is_a_zero_byte_and_the_schema_id_in_big_endian() -> None:
    assert CODEC.encode(EXAMPLE)[:5] == b"\x00" + struct.pack(">I", 1014)
    assert CODEC.encode(OUTCOME)[:5] == b"\x00" + struct.pack(">I", 1007)


@ALL_EVENTS
def test_a_record_of_another_class_is_refused_with_both_names(event_class: type[Event]) -> None:
    data = CODEC.encode(OUTCOME)
    if event_class is ReplyOutcome:
        return
    with pytest.raises(DecodeError, match=rf"1007 is reply_outcome, .* {event_class.SCHEMA}"):
        CODEC.decode(data, event_class)


def test_an_unknown_schema_id_is_named() -> None:
    with pytest.raises(DecodeError, match="unknown schema id 4242"):
        CODEC.decode(b"\x00" + struct.pack(">I", 4242) + b"body", CommentEvent)


@pytest.mark.parametrize(
    "data", [None, b"", b"\x00", b"\x00\x00\x00\x03", b'{"text": "hello"}', b"\x01\x00\x00\x03\xe9"]
)
def test_what_is_not_in_the_wire_format_is_refused(data: bytes | None) -> None:
    with pytest.raises(DecodeError, match="not an Avro record in the Confluent wire format"):
        CODEC.decode(data, CommentEvent)


def test_a_record_cut_anywhere_is_refused() -> None:
    data = CODEC.encode(EXAMPLE)
    for length in range(len(data)):
        with pytest.raises(DecodeError):
            CODEC.decode(data[:length], CommentEvent)


@ALL_EVENTS
@quick
@given(data=st.data(), more=st.binary(min_size=1, max_size=8))
def test_bytes_behind_the_end_are_refused(event_class: type[Event], data: st.DataObject, more: bytes) -> None:
    encoded = CODEC.encode(data.draw(events(event_class)))
    with pytest.raises(DecodeError, match=f"{len(more)} bytes behind the end of the {event_class.SCHEMA}"):
        CODEC.decode(encoded + more, event_class)


@ALL_EVENTS
@settings(max_examples=100, deadline=None)
@given(noise=st.binary(max_size=120), framed=st.booleans())
def test_noise_is_an_event_or_a_decode_error(event_class: type[Event], noise: bytes, framed: bool) -> None:
    schema_id = 1001 + list(EVENTS).index(event_class.SCHEMA)
    try:
        CODEC.decode((b"\x00" + struct.pack(">I", schema_id) if framed else b"") + noise, event_class)
    except DecodeError:
        return


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_record_is_an_event_or_a_decode_error(data: st.DataObject) -> None:
    encoded = bytearray(CODEC.encode(EXAMPLE))
    for position in data.draw(st.lists(st.integers(0, len(encoded) - 1), min_size=1, max_size=4)):
        encoded[position] = data.draw(st.integers(0, 255))
    try:
        back = CODEC.decode(bytes(encoded), CommentEvent)
    except DecodeError:
        return
    assert isinstance(back, CommentEvent)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": None}, "reason"),
        ({"reason": 5}, "reason"),
        ({"reason": "half a pair: \ud83d"}, "reason"),
        ({"attempts": "twice"}, "attempts"),
        ({"attempts": 2**70}, "attempts"),
        ({"platform": "myspace"}, "platform"),
        ({"outcome": None}, "outcome"),
        ({"draft_id": 5}, "draft_id"),
        ({"text": b"bytes"}, "text"),
        ({"at": None}, "at"),
        ({"at": "2026-11-22"}, "at"),
        ({"at": NOW.replace(tzinfo=None)}, "at"),
    ],
)
def test_an_unfit_field_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEventError, match=rf"\.{field} "):
        CODEC.encode(dataclasses.replace(OUTCOME, **change))


@pytest.mark.parametrize("attachments", [None, 5, (5,), (Attachment(kind=None),)])  # type: ignore[arg-type]
def test_an_unfit_part_is_named(attachments: Any) -> None:
    with pytest.raises(InvalidEventError, match=r"\.attachments |Attachment\.kind "):
        CODEC.encode(dataclasses.replace(EXAMPLE, attachments=attachments))


def test_the_message_about_an_unfit_event_does_not_quote_the_comment() -> None:
    with pytest.raises(InvalidEventError) as caught:
        CODEC.encode(dataclasses.replace(EXAMPLE, text=b"my phone number is 555 0100"))  # type: ignore[arg-type]
    assert "555" not in str(caught.value)


def test_an_id_given_twice_is_refused() -> None:
    schema = {"type": "record", "name": "A", "fields": []}
    with pytest.raises(ValueError, match="7 is given twice"):
        codec.Codec([("a", 1, 7, schema), ("b", 1, 7, {**schema, "name": "B"})])


def test_a_post_event_without_its_optional_fields_is_small() -> None:
    event = PostEvent(
        tenant_id="t", platform=Platform.X, account_id="a", platform_post_id="p", observed_at=NOW
    )
    assert CODEC.decode(CODEC.encode(event), PostEvent) == event
    assert len(CODEC.encode(event)) < 32
