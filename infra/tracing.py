"""OpenTelemetry traces whose context travels in Kafka headers, from the webhook to the posted reply.

`setup` gives a `Tracing`; without an endpoint it gives one that does nothing and costs next to nothing, but
a `traceparent` header that a record brings is still passed on by the runner.

A batch of records from many traces gets one span with a link to each record's context, and every record
gets a span of its own in its own trace, so that one comment's trace shows each stage it went through.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.headers import TRACEPARENT

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_PROPAGATOR: Final = TraceContextTextMapPropagator()

Headers = Mapping[str, bytes]


def context_of(headers: Headers) -> SpanContext | None:
    """The span context that the `traceparent` header names; None if there is none or it is malformed."""
    parent = headers.get(TRACEPARENT)
    if parent is None:
        return None
    with contextlib.suppress(UnicodeDecodeError):
        context = _PROPAGATOR.extract({"traceparent": parent.decode("ascii")})
        span_context = trace.get_current_span(context).get_span_context()
        return span_context if span_context.is_valid else None
    return None


def trace_id(headers: Headers) -> str | None:
    """The trace that a record belongs to, as 32 hex digits, for logs."""
    context = context_of(headers)
    return None if context is None else f"{context.trace_id:032x}"


def traceparent(context: SpanContext) -> bytes:
    """The header value that names a span context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}".encode()


class RecordSpans:
    """The spans of one piece of work over some records. Context managers of `Tracing.records` make it."""

    def __init__(self, spans: Sequence[Span | None]) -> None:
        self._spans = spans

    def headers(self, index: int) -> Headers:
        """What the outputs of record number `index` carry in place of its own `traceparent`."""
        span = self._spans[index] if self._spans else None
        return {} if span is None else {TRACEPARENT: traceparent(span.get_span_context())}

    def failed(self, index: int, error: BaseException) -> None:
        """Record number `index` became a dead letter."""
        span = self._spans[index] if self._spans else None
        if span is not None:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))


_NOTHING: Final = RecordSpans(())


def _record_span(tracer: Tracer, name: str, parent: SpanContext | None, links: list[Link]) -> Span:
    context = trace.set_span_in_context(trace.NonRecordingSpan(parent)) if parent is not None else None
    return tracer.start_span(name, context=context, kind=SpanKind.CONSUMER, links=links)


class Tracing:
    """Makes spans, or does nothing where `tracer` is None."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer: Tracer | None = provider.get_tracer("parley") if provider else None

    @property
    def on(self) -> bool:
        """True if spans go anywhere."""
        return self._tracer is not None

    @contextlib.contextmanager
    def records(self, name: str, headers: Sequence[Headers]) -> Iterator[RecordSpans]:
        """Spans around the work of stage `name` on records with these headers; ended when the block ends."""
        if self._tracer is None:
            yield _NOTHING
            return
        parents = [context_of(each) for each in headers]
        batch: Span | None = None
        if len(headers) > 1:
            links = [Link(parent) for parent in parents if parent is not None and parent.trace_flags.sampled]
            batch = self._tracer.start_span(f"{name} batch", kind=SpanKind.CONSUMER, links=links)
            batch.set_attribute("messaging.batch.message_count", len(headers))
        link = [Link(batch.get_span_context())] if batch is not None else []
        spans = [_record_span(self._tracer, name, parent, link) for parent in parents]
        try:
            yield RecordSpans(spans)
        finally:
            for span in spans:
                span.end()
            if batch is not None:
                batch.end()

    @contextlib.contextmanager
    def span(self, name: str, parent: Headers | None = None) -> Iterator[Headers]:
        """A span around the block, in the trace of `parent`; gives the headers that carry its context on."""
        passed_on = {TRACEPARENT: parent[TRACEPARENT]} if parent and TRACEPARENT in parent else {}
        if self._tracer is None:
            yield passed_on
            return
        span = _record_span(self._tracer, name, context_of(parent or {}), [])
        try:
            yield {TRACEPARENT: traceparent(span.get_span_context())}
        except Exception as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()

    def shutdown(self) -> None:
        """Sends what is left; takes a few seconds at most."""
        if self._provider is not None:
            self._provider.shutdown()


OFF: Final = Tracing()
"""Tracing that does nothing."""


def setup(service: str, endpoint: str | None, *, ratio: float = 1.0, instance: str = "") -> Tracing:
    """Tracing for this process.

    `endpoint`: base URL of an OTLP/HTTP collector (`http://host:4318`), None for none. `ratio`: share of new
    traces that are sampled; a trace that is under way keeps the choice it came with.
    """
    if not endpoint:
        return OFF
    # A third of a second of imports that only those need who trace.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.instance.id": instance or service}),
        sampler=ParentBased(TraceIdRatioBased(ratio)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return Tracing(provider)
