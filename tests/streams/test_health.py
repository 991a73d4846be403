import json

from schemas.errors import TransientError
from streams.health import Health, StageState


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def state(clock: Clock) -> StageState:
    return StageState("enrich", 60, clock)


def test_a_stage_with_lag_and_no_progress_is_stalled() -> None:
    clock = Clock()
    stage = state(clock)
    clock.now = 61
    assert not stage.stalled, "nothing waits"
    stage.lag = 5
    assert stage.stalled
    stage.progress()
    assert not stage.stalled


def test_a_call_that_never_ends_is_a_stall_too() -> None:
    clock = Clock()
    stage = state(clock)
    stage.in_flight = 1
    clock.now = 61
    assert stage.stalled


def test_waiting_for_the_far_side_is_no_stall() -> None:
    clock = Clock()
    stage = state(clock)
    stage.in_flight = 1
    stage.retrying(TransientError("away"), degraded=True)
    clock.now = 3600
    assert not stage.stalled
    stage.retried()
    assert not stage.stalled, "the time to make progress begins anew"


def test_ready_means_assigned_untroubled_and_nothing_else_awaited() -> None:
    stage, loaded = state(Clock()), [False]
    health = Health([stage], [lambda: loaded[0]])
    assert not health.ready
    stage.assigned = True
    assert not health.ready
    loaded[0] = True
    assert health.ready
    stage.holding("the broker is away")
    assert not health.ready
    stage.retried()
    health.draining = True
    assert not health.ready


def test_answers() -> None:
    stage = state(Clock())
    health = Health([stage])
    assert health.answer("/health/live")[0] == 200
    status, kind, body = health.answer("/health/ready")
    assert (status, kind) == (503, "application/json")
    assert json.loads(body)["stages"]["enrich"]["lag"] is None
    assert b"parley_stage_degraded" in health.answer("/metrics")[2]
    assert health.answer("/")[0] == 404
