"""Event classes and Avro schemas say the same: names, order, nullability, types, symbols, defaults."""

import dataclasses
import json
import types
import typing
from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest

from schemas import codec, events
from schemas.events import EVENTS
from schemas.records import Event, Record

IDS = json.loads((codec.FOLDER / "ids.json").read_text(encoding="utf-8"))
PRIMITIVES = {
    str: {"string"},
    int: {"int", "long"},
    float: {"float", "double"},
    bool: {"boolean"},
    bytes: {"bytes"},
}


def agree(schema: Any, hint: Any, where: str) -> None:
    """Fails where a type hint and an Avro type differ."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        assert isinstance(schema, list), f"{where}: optional in Python, required in Avro"
        assert schema[0] == "null", f"{where}: null must come first, or its default null is not valid"
        (inner,) = (part for part in arguments if part is not types.NoneType)
        (branch,) = schema[1:]
        agree(branch, inner, where)
    elif origin is tuple:
        assert schema["type"] == "array", where
        agree(schema["items"], arguments[0], where)
    elif origin is dict:
        assert schema["type"] == "map", where
        assert arguments[0] is str, where
        agree(schema["values"], arguments[1], where)
    elif hint is datetime:
        assert schema == {"type": "long", "logicalType": "timestamp-micros"}, where
    elif issubclass(hint, StrEnum):
        assert schema["type"] == "enum", where
        assert schema["name"] == hint.__name__, where
        assert schema["symbols"] == [member.value for member in hint], where
    elif issubclass(hint, Record):
        agree_record(schema, hint)
    else:
        assert schema in PRIMITIVES[hint], where


def agree_record(schema: Any, record_class: type[Record]) -> None:
    """Fails where a record class and an Avro record differ."""
    assert schema["type"] == "record"
    assert schema["name"] == record_class.__name__
    hints = typing.get_type_hints(record_class)
    fields = dataclasses.fields(record_class)  # type: ignore[arg-type]
    assert [item["name"] for item in schema["fields"]] == [item.name for item in fields]
    for avro, field in zip(schema["fields"], fields, strict=True):
        where = f"{schema['name']}.{field.name}"
        agree(avro["type"], hints[field.name], where)
        if "default" in avro:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            assert default == avro["default"], where
        else:
            assert field.default is dataclasses.MISSING, f"{where}: a default in Python only"


@pytest.mark.parametrize("event_class", EVENTS.values(), ids=EVENTS)
def test_an_event_class_mirrors_the_newest_version_of_its_schema(event_class: type[Event]) -> None:
    version = IDS[event_class.SCHEMA][-1]["version"]
    file = codec.FOLDER / "avro" / f"{event_class.SCHEMA}.v{version}.avsc"
    agree_record(json.loads(file.read_text(encoding="utf-8")), event_class)


@pytest.mark.parametrize("event_class", EVENTS.values(), ids=EVENTS)
def test_events_are_frozen(event_class: type[Event]) -> None:
    assert event_class.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert not hasattr(event_class, "__dict__") or "__slots__" in vars(event_class)


def test_every_event_class_is_catalogued() -> None:
    written = {item for item in vars(events).values() if isinstance(item, type) and issubclass(item, Event)}
    assert written - {Event} == set(EVENTS.values())
