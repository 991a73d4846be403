"""Both lanes on a fake consumer and delivery: what is in flight, in which order, what is committed when."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from faust.types import TP

from infra import tracing
from schemas import codec, topics
from schemas.errors import PoisonError, StageHalted, TransientError
from schemas.events import CommentEvent, CommentKind, DeadLetter, Platform, Source
from streams.batch_lane import BatchLane
from streams.dead_letters import Limits, unsealed
from streams.delivery import Delivery, Outgoing
from streams.handling import Handling
from streams.health import StageState
from streams.reading import Raw, Reader
from streams.settings import DeadLetterLimits, Patience
from streams.stage import Batches, Input, Output, Result, Stage, Window
from streams.window_lane import WindowLane

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CODEC = codec.load()
P0, P1 = TP("comments.raw", 0), TP("comments.raw", 1)


def raw(offset: int, key: str = "", partition: int = 0) -> Raw:
    event = CommentEvent(
        kind=CommentKind.ADDED,
        tenant_id="t",
        platform=Platform.X,
        account_id="a",
        comment_id=key or str(offset),
        platform_comment_id=str(offset),
        text=str(offset),
        occurred_at=NOW,
        observed_at=NOW,
        source=Source.POLL,
    )
    return Raw("comments.raw", partition, offset, NOW, (key or str(offset)).encode(), CODEC.encode(event), ())


class Broker(Delivery):
    """Acknowledges at once, or when `gate` is set; records everything that happens in `log`."""

    def __init__(self, state: StageState) -> None:
        super().__init__(CODEC, self._none, Patience(), state)
        self.log: list[Any] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._positions: dict[TP, int] = {}

    @staticmethod
    def _none() -> Any:
        raise AssertionError("no producer here")

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await self.gate.wait()
        for record in records:
            self.log.append((record.topic, record.key.decode()))

    @property
    def positions(self) -> Mapping[TP, int]:
        return self._positions

    def finish(self, positions: Mapping[TP, int]) -> None:
        self._positions.update(positions)

    async def commit(self) -> bool:
        self.log.append(("commit", dict(self._positions)))
        return True

    def sent(self) -> list[str]:
        return [key for topic, key in self.log if topic == topics.COMMENTS_ENRICHED.name]


async def copy(each: Input[CommentEvent]) -> Result:
    return Result((Output(topics.COMMENTS_ENRICHED, each.event.text or "", each.event),))


def handling(
    process: Callable[[Any], Awaitable[Any]], shape: Batches | Window, **stage: Any
) -> tuple[Handling, Broker]:
    state = StageState("s", 60)
    broker = Broker(state)
    stage.setdefault("reads", (topics.COMMENTS_RAW,))
    made = Stage(name="s", process=process, shape=shape, **stage)
    tools = Handling(
        stage=made,
        reader=Reader(made, CODEC),
        delivery=broker,
        limits=Limits("s", DeadLetterLimits(consecutive=4)),
        state=state,
        patience=Patience(first=0.001, longest=0.001),
        tracing=tracing.OFF,
        seal=unsealed,
    )
    return tools, broker


def window(
    process: Callable[[Any], Awaitable[Any]], in_flight: int, **stage: Any
) -> tuple[WindowLane, Broker, list[BaseException]]:
    failures: list[BaseException] = []
    tools, broker = handling(process, Window(in_flight), **stage)
    return WindowLane(tools, broker, failures.append), broker, failures


async def settled(rounds: int = 20) -> None:
    """Lets everything run that can run."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def test_a_batch_is_committed_once_after_its_outputs_are_acknowledged() -> None:
    async def process(inputs: Sequence[Input[CommentEvent]]) -> list[Result]:
        return [await copy(each) for each in inputs]

    acknowledged: list[int] = []
    tools, broker = handling(
        process, Batches(), acknowledged=lambda done: acknowledged.extend(each.offset for each in done)
    )
    lane = BatchLane(tools, broker)
    broker.gate.clear()
    task = asyncio.ensure_future(lane.take([raw(4), raw(5), raw(9, partition=1)]))
    await settled()
    assert broker.log == []
    broker.gate.set()
    assert await task == 3
    assert broker.log[-1] == ("commit", {P0: 6, P1: 10})
    assert broker.sent() == ["4", "5", "9"]
    assert acknowledged == [4, 5, 9]


async def test_a_batch_that_is_given_up_commits_nothing_and_reports_nothing() -> None:
    async def process(_inputs: Sequence[Input[CommentEvent]]) -> list[Result]:
        await asyncio.Event().wait()
        return []

    reported: list[Any] = []
    tools, broker = handling(process, Batches(), acknowledged=reported.append)
    lane = BatchLane(tools, broker)
    task = asyncio.ensure_future(lane.take([raw(4)]))
    await settled()
    await lane.quiesce(0.01)
    assert await task == 0
    assert broker.log == []
    assert reported == []


async def test_the_halving_of_a_batch_that_is_all_poison_ends_early() -> None:
    calls = 0

    async def process(_inputs: Sequence[Input[CommentEvent]]) -> list[Result]:
        nonlocal calls
        calls += 1
        raise KeyError("a bad deploy")

    tools, broker = handling(process, Batches())
    with pytest.raises(StageHalted, match="4 records in a row"):
        await BatchLane(tools, broker).take([raw(offset) for offset in range(256)])
    assert calls < 20
    assert broker.log == []


async def test_a_result_may_declare_its_record_dead() -> None:
    async def process(inputs: Sequence[Input[CommentEvent]]) -> list[Result]:
        return [
            Result(dead=PoisonError("breaks a rule")) if each.offset == 2 else await copy(each)
            for each in inputs
        ]

    tools, broker = handling(process, Batches())
    await BatchLane(tools, broker).take([raw(1), raw(2), raw(3)])
    assert [topic for topic, _ in broker.log] == [
        "comments.enriched", "dead.letters", "comments.enriched", "commit",
    ]  # fmt: skip


async def test_a_dead_letter_that_cannot_be_processed_makes_no_second_one() -> None:
    async def process(_inputs: Sequence[Input[DeadLetter]]) -> list[Result]:
        raise ValueError("cannot store it")

    tools, broker = handling(process, Batches(), reads=(topics.DEAD_LETTERS,))
    lane = BatchLane(tools, broker)
    await lane.take([Raw("dead.letters", 0, 7, NOW, b"k", b"not Avro", ())])
    assert broker.log == [("commit", {TP("dead.letters", 0): 8})]


class Manual:
    """A slow call that each record's test ends by hand."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def __call__(self, each: Input[CommentEvent]) -> Result:
        text = each.event.text or ""
        self.begun.append(text)
        await self._ends.setdefault(text, asyncio.Event()).wait()
        return await copy(each)

    async def end(self, *offsets: int) -> None:
        for offset in offsets:
            self._ends.setdefault(str(offset), asyncio.Event()).set()
        await settled()


async def test_a_window_starts_records_as_slots_free_and_publishes_each_as_it_finishes() -> None:
    calls = Manual()
    lane, broker, _ = window(calls, 2)
    feeding = asyncio.ensure_future(_feed(lane, [raw(1), raw(2), raw(3)]))
    await settled()
    assert calls.begun == ["1", "2"]
    await calls.end(2)
    assert calls.begun == ["1", "2", "3"]
    assert broker.sent() == ["2"]
    assert broker.positions == {}, "record 1 is not finished"
    await calls.end(1)
    assert broker.positions == {P0: 3}
    await calls.end(3)
    assert broker.positions == {P0: 4}
    await feeding
    await lane.quiesce(1)


async def test_records_of_one_key_run_one_after_another() -> None:
    calls = Manual()
    lane, broker, _ = window(calls, 8)
    await _feed(lane, [raw(1, "k"), raw(2, "k"), raw(3, "other")])
    await settled()
    assert calls.begun == ["1", "3"]
    await calls.end(3, 2)
    assert broker.sent() == ["3"]
    await calls.end(1)
    assert broker.sent() == ["3", "1", "2"]
    await lane.quiesce(1)


async def test_giving_a_window_up_keeps_the_finished_prefix_and_drops_the_rest() -> None:
    calls = Manual()
    reported: list[int] = []
    lane, broker, failures = window(
        calls, 8, acknowledged=lambda done: reported.extend(each.offset for each in done)
    )
    await _feed(lane, [raw(1), raw(2), raw(3), raw(4, "2")])
    await settled()
    await calls.end(1, 3)
    await lane.quiesce(0.01)
    assert broker.positions == {P0: 2}
    assert lane.in_flight == 0
    assert reported in ([], [1]), "3 lies behind an unfinished record"
    assert failures == []
    await _feed(lane, [raw(2), raw(3)])  # the same records come again
    await calls.end(2, 3)
    assert broker.positions == {P0: 4}
    await lane.quiesce(1)


async def test_a_poisonous_record_in_a_window_is_a_dead_letter_and_the_next_of_its_key_goes_on() -> None:
    async def process(each: Input[CommentEvent]) -> Result:
        if each.offset == 1:
            raise ValueError("poison")
        return await copy(each)

    lane, broker, failures = window(process, 8)
    await _feed(lane, [raw(1, "k"), raw(2, "k")])
    await settled()
    assert [topic for topic, _ in broker.log if topic != "commit"] == ["dead.letters", "comments.enriched"]
    assert broker.positions == {P0: 3}
    assert failures == []
    await lane.quiesce(1)


async def test_an_error_behind_the_call_ends_the_process() -> None:
    async def process(each: Input[CommentEvent]) -> Result:
        return await copy(each)

    lane, broker, failures = window(process, 8)

    async def broken(_records: Sequence[Outgoing]) -> None:
        raise RuntimeError("the producer is fenced")

    broker.publish = broken  # type: ignore[method-assign,assignment]
    await _feed(lane, [raw(1)])
    await settled()
    assert [str(error) for error in failures] == ["the producer is fenced"]
    assert broker.positions == {}
    await lane.quiesce(1)


async def test_transient_errors_in_a_window_are_repeated() -> None:
    left = [3]

    async def process(each: Input[CommentEvent]) -> Result:
        if left[0]:
            left[0] -= 1
            raise TransientError("away")
        return await copy(each)

    lane, broker, _ = window(process, 8)
    await _feed(lane, [raw(1)])
    await lane.quiesce(5)
    assert broker.positions == {P0: 2}


async def _feed(lane: WindowLane, raws: Sequence[Raw]) -> None:
    for each in raws:
        await lane.start_one(each, lambda: True)
