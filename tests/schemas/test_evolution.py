"""Records outlive releases: today's reader reads every version that was ever shipped."""

import dataclasses
import functools
import hashlib
import io
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.errors import DecodeError
from schemas.events import EVENTS
from schemas.records import Event

AVRO = codec.FOLDER / "avro"
IDS: dict[str, list[dict[str, int]]] = json.loads((codec.FOLDER / "ids.json").read_text(encoding="utf-8"))
VERSIONS = [(name, entry["version"], entry["id"]) for name, entries in IDS.items() for entry in entries]
FINGERPRINTS: dict[str, str] = json.loads(
    (Path(__file__).parent / "fingerprints.json").read_text(encoding="utf-8")
)


def read(name: str, version: int) -> Any:
    return json.loads((AVRO / f"{name}.v{version}.avsc").read_text(encoding="utf-8"))


def fingerprint(schema: Any) -> str:
    """SHA-256 of a schema without its documentation, whatever its layout."""

    def bare(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: bare(value) for key, value in part.items() if key != "doc"}
        return [bare(item) for item in part] if isinstance(part, list) else part

    return hashlib.sha256(json.dumps(bare(schema), sort_keys=True).encode()).hexdigest()


def named_types(schema: Any) -> Iterator[dict[str, Any]]:
    """Every record and enum defined in a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from named_types(item)
    elif isinstance(schema, dict):
        if schema["type"] in ("record", "enum"):
            yield schema
        for item in schema.get("fields", ()):
            yield from named_types(item["type"])
        for key in ("items", "values", "type"):
            if isinstance(schema.get(key), dict | list):
                yield from named_types(schema[key])


def written(schema: Any, named: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Values as fastavro takes them for a schema, each enum symbol and union branch among them."""
    named = {} if named is None else named
    if isinstance(schema, list):
        return st.one_of([written(branch, named) for branch in schema])
    if isinstance(schema, str):
        simple: dict[str, st.SearchStrategy[Any]] = {
            "null": st.none(),
            "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            "int": st.integers(-(2**31), 2**31 - 1),
            "long": st.integers(-(2**63), 2**63 - 1),
            "float": st.floats(width=32, allow_nan=False),
            "double": st.floats(allow_nan=False),
            "boolean": st.booleans(),
            "bytes": st.binary(max_size=20),
        }
        return simple[schema] if schema in simple else named[schema.rpartition(".")[2]]
    match schema["type"]:
        case "record":
            strategy: st.SearchStrategy[Any] = st.fixed_dictionaries(
                {item["name"]: written(item["type"], named) for item in schema["fields"]}
            )
        case "enum":
            strategy = st.sampled_from(schema["symbols"])
        case "array":
            return st.lists(written(schema["items"], named), max_size=3)
        case "map":
            return st.dictionaries(written("string"), written(schema["values"], named), max_size=3)
        case "long" if schema.get("logicalType") == "timestamp-micros":
            return st.datetimes(timezones=st.just(UTC))
        case other:
            return written(other, named)
    named[schema["name"]] = strategy
    return strategy


@functools.cache
def records(name: str, version: int) -> st.SearchStrategy[Any]:
    """Records as a producer of that version wrote them."""
    return written(read(name, version))


def encode(schema: Any, schema_id: int, record: Any) -> bytes:
    """A record as a producer of that version wrote it."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), record)
    return struct.pack(">BI", 0, schema_id) + buffer.getvalue()


@pytest.mark.parametrize(("name", "version", "schema_id"), VERSIONS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_todays_reader_reads_every_version(
    name: str, version: int, schema_id: int, data: st.DataObject
) -> None:
    record = data.draw(records(name, version))
    event = codec.load().decode(encode(read(name, version), schema_id, record), EVENTS[name])
    assert type(event) is EVENTS[name]


@pytest.mark.parametrize(("name", "version", "schema_id"), VERSIONS)
def test_the_newest_version_knows_every_earlier_enum_symbol(name: str, version: int, schema_id: int) -> None:
    newest = {item["name"]: item for item in named_types(read(name, IDS[name][-1]["version"]))}
    for earlier in named_types(read(name, version)):
        if earlier["type"] == "enum" and earlier["name"] in newest:
            assert set(earlier["symbols"]) <= set(newest[earlier["name"]]["symbols"])


@pytest.mark.parametrize(("name", "version", "schema_id"), VERSIONS)
def test_a_shipped_schema_is_never_edited_in_place(name: str, version: int, schema_id: int) -> None:
    key = f"{name}.v{version}"
    now = fingerprint(read(name, version))
    assert key in FINGERPRINTS, f'new version: add "{key}": "{now}" to tests/schemas/fingerprints.json'
    assert FINGERPRINTS[key] == now, (
        f"schemas/avro/{key}.avsc was edited, and records written with it exist: put it back, copy it to "
        f"{name}.v{version + 1}.avsc, edit the copy and give it an id in schemas/ids.json"
    )


def test_no_shipped_schema_was_removed() -> None:
    assert set(FINGERPRINTS) == {f"{name}.v{version}" for name, version, _ in VERSIONS}


def test_documentation_and_layout_may_be_edited_in_place() -> None:
    schema = read("post_event", 1)
    assert fingerprint({**schema, "doc": "better words"}) == fingerprint(schema)
    assert fingerprint({**schema, "fields": schema["fields"][:-1]}) != fingerprint(schema)


def test_ids_are_unique_and_versions_count_from_one() -> None:
    assert len({schema_id for _, _, schema_id in VERSIONS}) == len(VERSIONS)
    for entries in IDS.values():
        assert [entry["version"] for entry in entries] == list(range(1, len(entries) + 1))


def test_every_schema_file_has_an_id_and_every_id_a_file() -> None:
    assert {file.name for file in AVRO.iterdir()} == {
        f"{name}.v{version}.avsc" for name, version, _ in VERSIONS
    }


def test_a_type_that_several_schemas_hold_is_the_same_in_all() -> None:
    seen: dict[str, str] = {}
    for name, entries in IDS.items():
        for part in named_types(read(name, entries[-1]["version"])):
            assert seen.setdefault(part["name"], fingerprint(part)) == fingerprint(part), part["name"]


# The proof above is only worth something if a breaking version fails it: a made-up schema shows both.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Note(Event):
    SCHEMA: ClassVar[str] = "note"
    text: str
    at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _LongerNote(_Note):
    language: str = "und"


_AT = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}
_V1 = {"type": "record", "name": "Note", "fields": [{"name": "text", "type": "string"}, _AT]}
_NOTE = _Note(text="hello", at=datetime(2026, 11, 22, tzinfo=UTC))


def _with(field: dict[str, Any]) -> codec.Codec:
    v2 = {**_V1, "fields": [*_V1["fields"], field]}
    return codec.Codec([("note", 2, 12, v2), ("note", 1, 11, _V1)])


def test_a_version_that_adds_a_field_with_a_default_reads_the_earlier_one() -> None:
    old = codec.Codec([("note", 1, 11, _V1)]).encode(_NOTE)
    both = _with({"name": "language", "type": "string", "default": "und"})
    assert both.decode(old, _LongerNote) == _LongerNote(text="hello", at=_NOTE.at, language="und")
    longer = _LongerNote(text="hello", at=_NOTE.at, language="en")
    assert both.encode(longer)[:5] == struct.pack(">BI", 0, 12)
    assert both.decode(both.encode(longer), _LongerNote) == longer


def test_a_version_that_adds_a_field_without_a_default_fails_the_proof() -> None:
    old = codec.Codec([("note", 1, 11, _V1)]).encode(_NOTE)
    with pytest.raises(DecodeError, match="language"):
        _with({"name": "language", "type": "string"}).decode(old, _LongerNote)


def test_a_version_that_changes_a_type_fails_the_proof() -> None:
    old = codec.Codec([("note", 1, 11, _V1)]).encode(_NOTE)
    changed = codec.Codec(
        [("note", 1, 11, _V1), ("note", 2, 12, {**_V1, "fields": [{"name": "text", "type": "int"}, _AT]})]
    )
    with pytest.raises(DecodeError):
        changed.decode(old, _Note)
