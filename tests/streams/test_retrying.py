import asyncio

import pytest

from schemas.errors import PoisonError, ThrottledError, TransientError
from streams import retrying
from streams.health import StageState
from streams.retrying import patiently, pause, shown
from streams.settings import Patience

QUICK = Patience(first=0.001, longest=0.002, degraded_after=3)


class Flaky:
    def __init__(self, failures: int, error: Exception) -> None:
        self.left = failures
        self.error = error
        self.troubles: list[str | None] = []
        self.state = StageState("flaky", 60)

    async def __call__(self) -> str:
        self.troubles.append(self.state.trouble)
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


@pytest.mark.parametrize("error", [TransientError("away"), ConnectionRefusedError("refused"), TimeoutError()])
async def test_transient_errors_are_repeated_and_show_after_a_while(error: Exception) -> None:
    call = Flaky(5, error)
    assert await patiently(call, QUICK, call.state) == "done"
    shown_from = [trouble is not None for trouble in call.troubles]
    assert shown_from == [False, False, False, True, True, True]
    assert call.state.trouble is None


async def test_other_errors_are_not_repeated() -> None:
    call = Flaky(1, PoisonError("bad"))
    with pytest.raises(PoisonError):
        await patiently(call, QUICK, call.state)


async def test_cancellation_ends_the_wait_and_the_trouble() -> None:
    call = Flaky(10**9, TransientError("away"))
    task = asyncio.ensure_future(patiently(call, QUICK, call.state))
    while call.state.trouble is None:
        await asyncio.sleep(0)
    assert call.state.retrying_now
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert call.state.trouble is None
    assert not call.state.retrying_now


def test_pauses_grow_to_a_bound_and_honour_what_the_far_side_asks() -> None:
    patience = Patience(first=1, longest=8)
    for attempt, ceiling in ((1, 1), (2, 2), (4, 8), (500, 8)):
        assert ceiling / 4 <= pause(attempt, patience, TransientError("x")) <= ceiling
    assert pause(1, patience, ThrottledError("slow down", retry_after=30)) >= 30


async def test_a_long_wait_shows_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "SLOW", 0.01)
    state = StageState("shown", 60)
    with shown("no answer", state):
        assert state.trouble is None
        while state.trouble is None:
            await asyncio.sleep(0.001)
        assert "no answer" in state.trouble
    assert state.trouble is None
    with shown("no answer", state):
        pass
    await asyncio.sleep(0.02)
    assert state.trouble is None, "a short wait shows nothing, later neither"
