"""What both shapes of a stage share: reading a record, judging its result, writing down what is dead."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from infra import logs, metrics
from infra.discreet import said
from infra.tracing import RecordSpans, Tracing, trace_id
from schemas.errors import PoisonError
from schemas.events import CommentEvent, Decision, DraftedReply, EnrichedComment, utc_now
from schemas.records import Event
from schemas.topics import DEAD_LETTERS
from streams.dead_letters import Limits, Seal, dead_letter, reason_of
from streams.delivery import Delivery, Outgoing
from streams.health import StageState
from streams.reading import Raw, Reader
from streams.retrying import patiently
from streams.settings import Patience
from streams.stage import Input, Result, Stage

T = TypeVar("T")

log = logs.get(__name__)


@dataclass(slots=True)
class Item:
    """A record on its way through a stage: `input` if it could be read, `error` if it is dead."""

    raw: Raw
    input: Input[Any] | None = None
    result: Result | None = None
    error: BaseException | None = None
    outgoing: Sequence[Outgoing] = ()

    @property
    def headers(self) -> Mapping[str, bytes]:
        """Headers with a value, readable or not."""
        if self.input is not None:
            return self.input.headers
        return {name: value for name, value in self.raw.headers if value is not None}


def first_seen(event: Event) -> datetime | None:
    """When Parley first saw the comment that an event is about, if the event tells."""
    match event:
        case CommentEvent():
            return event.observed_at
        case EnrichedComment() | DraftedReply():
            return event.comment.observed_at
        case Decision():
            return event.received_at
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """A stage's tools; built once, used by its lane."""

    stage: Stage
    reader: Reader
    delivery: Delivery
    limits: Limits
    state: StageState
    patience: Patience
    tracing: Tracing
    seal: Seal

    def read(self, raw: Raw) -> Item:
        """The record, decoded or marked as dead."""
        try:
            return Item(raw, self.reader.read(raw))
        except PoisonError as error:
            return Item(raw, error=error)

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's result, through every transient error."""
        return await patiently(call, self.patience, self.state)

    def settle(self, items: Sequence[Item], spans: RecordSpans) -> list[Outgoing]:
        """What is to be sent for these records, in order: their outputs, or their dead letters.

        Raises StageHalted when there are too many dead letters.
        """
        for index, item in enumerate(items):
            if item.error is None and item.result is not None:
                item.error = item.result.dead
            if item.error is None and item.result is not None:
                try:
                    item.outgoing = self.delivery.encode(
                        item.result.outputs, item.headers, spans.headers(index)
                    )
                except PoisonError as error:
                    item.error = error
            if item.error is None:
                self.limits.alive()
            else:
                self.limits.dead(item.error)
                spans.failed(index, item.error)
                item.outgoing = self._bury(item, item.error)
        return [each for item in items for each in item.outgoing]

    def _bury(self, item: Item, error: BaseException) -> list[Outgoing]:
        place = f"{item.raw.topic}[{item.raw.partition}]@{item.raw.offset}"
        if item.raw.topic == DEAD_LETTERS.name:
            # It lies in the dead letters already; another one about it could fail in turn, for ever.
            log.error("dead letter not processed", stage=self.stage.name, place=place, error=said(error))
            return []
        dead = dead_letter(self.stage.name, item.raw, error, self.seal)
        log.warning(
            "dead letter",
            id=dead.dead_letter_id,
            stage=dead.stage,
            reason=dead.reason,
            error=said(error),
            place=place,
            trace=trace_id(item.headers),
        )
        return [self.delivery.encode_dead(dead, item.headers)]

    def count(self, items: Sequence[Item]) -> None:
        """Counts records that are finished, after their outputs were acknowledged."""
        now = utc_now()
        age = metrics.RECORD_AGE.labels(self.stage.name).observe
        under_way = metrics.END_TO_END.labels(self.stage.name).observe
        outcomes: Counter[str] = Counter()
        for item in items:
            if item.error is not None:
                outcomes["dead_letter"] += 1
                metrics.DEAD_LETTERS.labels(self.stage.name, reason_of(item.raw, item.error)).inc()
            elif item.result is not None:
                outcomes[item.result.outcome] += 1
            if item.raw.timestamp is not None:
                age(max(0.0, (now - item.raw.timestamp).total_seconds()))
            if item.input is not None and not item.input.replay and (seen := first_seen(item.input.event)):
                under_way(max(0.0, (now - seen).total_seconds()))
        for outcome, count in outcomes.items():
            metrics.OUTCOMES.labels(self.stage.name, outcome).inc(count)
        for topic, count in Counter(item.raw.topic for item in items).items():
            metrics.RECORDS.labels(self.stage.name, topic).inc(count)
        for topic, count in Counter(each.topic for item in items for each in item.outgoing).items():
            metrics.RECORDS_OUT.labels(self.stage.name, topic).inc(count)
        self.state.progress()
