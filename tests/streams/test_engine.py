"""What an engine takes off the stream, and when."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from infra import tracing
from schemas import codec, topics
from streams.batch_lane import BatchLane
from streams.dead_letters import unsealed
from streams.engine import Engine
from streams.reading import Raw
from streams.settings import RunnerSettings
from streams.stage import Input, Result, Stage


async def nothing(inputs: Sequence[Input[Any]]) -> list[Result]:
    return [Result() for _ in inputs]


class Lane(BatchLane):
    taken: list[int]

    async def take(self, raws: Sequence[Raw]) -> int:
        self.taken += [raw.offset for raw in raws]
        return len(raws)


@pytest.fixture
async def engine() -> Engine:
    made = Engine(
        Stage(name="nothing", reads=(topics.COMMENTS_RAW,), process=nothing),
        RunnerSettings(bootstrap_servers="localhost:9092"),
        codec=codec.load(),
        tracing=tracing.OFF,
        seal=unsealed,
        fail=lambda _error: None,
    )
    lane = object.__new__(Lane)
    lane.taken = []
    lane._task = None
    made._lane = lane
    made.app.consumer_generation_id = 7
    return made


def message(offset: int, generation: int = 7) -> Any:
    return SimpleNamespace(
        topic="comments.raw",
        partition=0,
        offset=offset,
        timestamp=0.0,
        key=b"k",
        value=b"v",
        headers=(),
        generation_id=generation,
    )


async def taken(engine: Engine, *messages: Any) -> list[int]:
    await engine._take(messages)
    lane = engine._lane
    assert isinstance(lane, Lane)
    return lane.taken


async def test_records_of_an_old_generation_are_left_to_their_owner(engine: Engine) -> None:
    engine.resume(1)
    assert await taken(engine, message(1), message(2, generation=6), message(3)) == [1, 3]


async def test_nothing_is_taken_before_an_assignment_nor_after_a_revocation(engine: Engine) -> None:
    assert await taken(engine, message(1)) == []
    engine.resume(1)
    assert await taken(engine, message(1)) == [1]
    await engine.quiesce()
    assert await taken(engine, message(2)) == [1]
    engine.resume(1)
    assert await taken(engine, message(2)) == [1, 2]
