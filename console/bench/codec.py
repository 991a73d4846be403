"""Avro: typed events against fastavro alone."""

import io
import time
from collections.abc import Callable

import fastavro

from console.bench.sample import comment
from schemas import codec
from schemas.events import CommentEvent


def measure() -> dict[str, float]:
    """Events a second, and their ratios."""
    known, event = codec.load(), comment()
    data, record = known.encode(event), event.to_record()
    schema = known.schema(CommentEvent.SCHEMA)

    def bare_encode() -> None:
        fastavro.schemaless_writer(io.BytesIO(), schema, record)

    def bare_decode() -> None:
        fastavro.schemaless_reader(io.BytesIO(data[5:]), schema, None)

    encode, decode = _rate(lambda: known.encode(event)), _rate(lambda: known.decode(data, CommentEvent))
    return {
        "encoded events a second": encode,
        "decoded events a second": decode,
        "encoding, ratio of bare fastavro": encode / _rate(bare_encode),
        "decoding, ratio of bare fastavro": decode / _rate(bare_decode),
    }


def _rate(call: Callable[[], object], times: int = 20_000) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return times / (time.perf_counter() - began)
