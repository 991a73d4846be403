from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infra import tracing
from schemas.headers import TRACEPARENT

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = 0x0AF7651916CD43DD8448EB211C80319C


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def on(exporter: InMemorySpanExporter) -> Iterator[tracing.Tracing]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield tracing.Tracing(provider)
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in exporter.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def test_a_batch_links_to_its_records_and_each_record_stays_in_its_own_trace(
    on: tracing.Tracing, exporter: InMemorySpanExporter
) -> None:
    with on.records("enrich", [{TRACEPARENT: PARENT}, {}, {TRACEPARENT: b"nonsense"}]) as spans:
        carried = [spans.headers(index)[TRACEPARENT] for index in range(3)]
        spans.failed(1, ValueError("poison"))
    found = by_name(exporter)
    (batch,) = found["enrich batch"]
    assert [link.context.trace_id for link in batch.links] == [TRACE]
    records = found["enrich"]
    contexts = [record.get_span_context() for record in records]
    assert [tracing.traceparent(context) for context in contexts if context is not None] == carried
    assert carried[0].startswith(b"00-0af7651916cd43dd8448eb211c80319c-")
    assert records[0].parent is not None
    assert records[0].parent.span_id == 0xB7AD6B7169203331
    assert records[1].parent is None
    assert [record.status.is_ok for record in records] == [True, False, True]


def test_a_trace_that_is_not_sampled_stays_so(on: tracing.Tracing, exporter: InMemorySpanExporter) -> None:
    with on.records("enrich", [{TRACEPARENT: PARENT[:-2] + b"00"}]) as spans:
        carried = spans.headers(0)[TRACEPARENT]
    assert carried.startswith(b"00-0af7651916cd43dd8448eb211c80319c-")
    assert carried.endswith(b"-00")
    assert exporter.get_finished_spans() == ()


def test_a_span_carries_its_context_on_and_tells_of_errors(
    on: tracing.Tracing, exporter: InMemorySpanExporter
) -> None:
    def post() -> None:
        with on.span("post", {TRACEPARENT: PARENT}) as carried:
            assert carried[TRACEPARENT].startswith(b"00-0af7651916cd43dd8448eb211c80319c-")
            raise OSError("broke")

    with pytest.raises(OSError, match="broke"):
        post()
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.status.is_ok) == ("post", False)


def test_switched_off_it_makes_nothing_and_still_passes_the_context_on() -> None:
    off = tracing.setup("parley", None)
    assert not off.on
    with off.records("enrich", [{TRACEPARENT: PARENT}]) as spans:
        assert spans.headers(0) == {}, "the runner passes the record's own header on"
    with off.span("post", {TRACEPARENT: PARENT, "other": b"x"}) as carried:
        assert carried == {TRACEPARENT: PARENT}
    off.shutdown()


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"00-zz-zz-01", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"]
)
def test_malformed_contexts_are_none(value: bytes) -> None:
    assert tracing.context_of({TRACEPARENT: value}) is None
