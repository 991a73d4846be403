"""Events to bytes and back: Avro in the Confluent wire format.

A value is one zero byte, the writer's schema id (4 bytes, big-endian) and the Avro body. Ids come from the
committed `schemas/ids.json`; each id names one file `schemas/avro/<name>.v<version>.avsc`. The newest
version writes; every version can be read, resolved to the newest.
"""

import functools
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import fastavro
from fastavro.read import SchemaResolutionError

from schemas.errors import DecodeError, InvalidEventError
from schemas.events import EVENTS
from schemas.records import Event

FOLDER: Final = Path(__file__).parent
MAGIC: Final = b"\x00"
_PREFIX: Final = struct.Struct(">BI")

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class _Version:
    name: str
    version: int
    id: int
    schema: Any


class Codec:
    """Encodes and decodes events of the given schema versions; `load()` gives the committed ones."""

    def __init__(self, versions: list[tuple[str, int, int, Any]]) -> None:
        """`versions`: (schema name, version, id, schema as JSON)."""
        self._by_id: dict[int, _Version] = {}
        self._newest: dict[str, _Version] = {}
        for name, number, schema_id, schema in sorted(versions, key=lambda item: item[:2]):
            if schema_id in self._by_id:
                raise ValueError(f"schema id {schema_id} is given twice in ids.json")
            known = _Version(name, number, schema_id, fastavro.parse_schema(schema))
            self._by_id[schema_id] = self._newest[name] = known
        self._prefix = {name: _PREFIX.pack(0, known.id) for name, known in self._newest.items()}

    def encode(self, event: Event) -> bytes:
        """The event's bytes; raises InvalidEventError naming the field that does not fit its schema."""
        name = event.SCHEMA
        buffer = io.BytesIO()
        buffer.write(self._prefix[name])
        record = event.to_record()
        try:
            fastavro.schemaless_writer(buffer, self._newest[name].schema, record)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            unfit = _unfit(self._newest[name].schema, record)
            # Not fastavro's own message: it may quote the value, and a comment's text belongs in no log.
            raise InvalidEventError(
                f"{name}.{unfit} does not fit its schema: {type(error).__name__}"
            ) from error
        return buffer.getvalue()

    def schema(self, name: str) -> Any:
        """The parsed schema that events of this name are written with."""
        return self._newest[name].schema

    def decode(self, data: bytes | None, expected: type[E]) -> E:
        """The event in `data`; raises DecodeError if it is not one of class `expected`."""
        if not data or len(data) < _PREFIX.size or data[:1] != MAGIC:
            raise DecodeError(
                f"not an Avro record in the Confluent wire format (expected {expected.SCHEMA}); "
                "check which producer writes to this topic"
            )
        schema_id = _PREFIX.unpack_from(data)[1]
        known = self._by_id.get(schema_id)
        if known is None:
            raise DecodeError(f"unknown schema id {schema_id}; deploy the release that wrote it, then replay")
        if known.name != expected.SCHEMA:
            raise DecodeError(f"schema id {schema_id} is {known.name}, this topic carries {expected.SCHEMA}")
        newest = self._newest[known.name]
        buffer = io.BytesIO(data)
        buffer.seek(_PREFIX.size)
        try:
            record = fastavro.schemaless_reader(
                buffer, known.schema, None if known is newest else newest.schema
            )
            if buffer.tell() != len(data):
                raise DecodeError(f"{len(data) - buffer.tell()} bytes behind the end of the {known.name}")
            return expected.from_record(record)  # type: ignore[arg-type]
        except DecodeError:
            raise
        except Exception as error:  # fastavro raises many kinds on damaged bytes
            # Only words about schemas: others may quote what the record holds.
            words = f": {error}" if isinstance(error, SchemaResolutionError) else ""
            raise DecodeError(f"damaged {known.name}: {type(error).__name__}{words}") from error


def _unfit(schema: Any, record: dict[str, Any]) -> str:
    """The first field that cannot be written; each is tried with those before it, whose types it may use."""
    bare = {key: value for key, value in schema.items() if not key.startswith("__")}
    for count, item in enumerate(schema["fields"], 1):
        try:
            fastavro.schemaless_writer(io.BytesIO(), {**bare, "fields": schema["fields"][:count]}, record)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
            return str(item["name"])
    return "?"


@functools.cache
def load() -> Codec:
    """The codec of the committed schemas."""
    ids = json.loads((FOLDER / "ids.json").read_text(encoding="utf-8"))
    unknown = set(ids) ^ set(EVENTS)
    if unknown:
        raise ValueError(f"schemas/ids.json and schemas.events disagree about {sorted(unknown)}")
    return Codec(
        [
            (name, entry["version"], entry["id"], _schema(name, entry["version"]))
            for name, entries in ids.items()
            for entry in entries
        ]
    )


def _schema(name: str, version: int) -> Any:
    return json.loads((FOLDER / "avro" / f"{name}.v{version}.avsc").read_text(encoding="utf-8"))
