"""How often, when and at what price a language model is asked; time is the test's own."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from connectors.language_model.client import Completion
from connectors.language_model.errors import LanguageModelError, Stopped, Unanswerable, Unavailable
from replies.breaker import Breaker
from replies.budget import TokensAMinute
from replies.prompt import Prompt
from streams.calling import ATTEMPTS, Caller, NoAnswer

PROMPT = Prompt("system", "user" * 100)
GOOD = Completion("{}", "m-2026", 100, 20)


class Model:
    """Gives the next of its answers; the last one again and again."""

    name = "m"

    def __init__(self, *answers: Completion | LanguageModelError) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []

    async def complete(
        self, *, system: str, user: str, schema: Mapping[str, Any], call_id: str
    ) -> Completion:
        self.calls.append(call_id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, LanguageModelError):
            raise answer
        return answer


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr("streams.calling.asyncio.sleep", made.sleep)
    return made


Make = Callable[..., Caller]


@pytest.fixture
def caller(clock: Time) -> Make:
    def make(model: Any, *, a_minute: float = 1_000_000, time_limit: float = 20) -> Caller:
        return Caller(
            model=model,
            schema={},
            breaker=Breaker(clock),
            tokens=TokensAMinute(a_minute, clock),
            time_limit=time_limit,
            max_tokens=150,
            clock=clock,
            jitter=lambda _low, high: high,
        )

    return make


class Used(list[tuple[str, int, int]]):
    def __call__(self, *tokens: Any) -> None:
        self.append(tokens)


async def ask(made: Caller, used: Used | None = None) -> Completion:
    return await made.ask(PROMPT, "r", used if used is not None else Used())


async def refused(made: Caller, used: Used | None = None) -> str:
    with pytest.raises(NoAnswer) as caught:
        await ask(made, used)
    return caught.value.reason


async def test_an_answer_is_paid_for_once_and_named_by_its_wording_and_attempt(caller: Make) -> None:
    model, used = Model(GOOD), Used()
    assert await ask(caller(model), used) is GOOD
    assert (model.calls, used) == (["r.1"], [("m-2026", 100, 20)])


async def test_what_passes_is_tried_again_after_growing_pauses(caller: Make, clock: Time) -> None:
    away = Unavailable("server_error", "500")
    model = Model(away, away, GOOD)
    assert await ask(caller(model)) is GOOD
    assert model.calls == ["r.1", "r.2", "r.3"]
    assert clock.slept == [0.5, 1.0]


async def test_it_ends_after_three_calls(caller: Make) -> None:
    model = Model(Unavailable("server_error", "500"))
    assert await refused(caller(model)) == "server_error"
    assert len(model.calls) == ATTEMPTS


async def test_the_far_sides_own_time_is_kept(caller: Make, clock: Time) -> None:
    assert await ask(caller(Model(Unavailable("rate_limit", "429", retry_in=3.0), GOOD))) is GOOD
    assert clock.slept == [pytest.approx(3.1)]


async def test_a_pause_longer_than_the_draft_may_take_stops_everybody_for_it(
    caller: Make, clock: Time
) -> None:
    model = Model(Unavailable("rate_limit", "429", retry_in=121.0, repeat=False), GOOD)
    made = caller(model)
    assert await refused(made) == "rate_limit"
    assert await refused(made) == "breaker_open"
    assert len(model.calls) == 1
    clock.now += 121
    assert await ask(made) is GOOD


async def test_no_money_stops_everything_until_somebody_acted_and_is_tried_rarely(
    caller: Make, clock: Time
) -> None:
    model = Model(Stopped("quota", "pay"), Stopped("quota", "pay"), GOOD)
    made = caller(model)
    assert await refused(made) == "quota"
    assert [await refused(made) for _ in range(100)] == ["stopped"] * 100
    clock.now += 300
    assert await refused(made) == "quota"
    clock.now += 300
    assert await ask(made) is GOOD
    assert len(model.calls) == 3


async def test_an_answer_without_use_is_paid_for_and_not_asked_again(caller: Make) -> None:
    model, used = Model(Unanswerable("truncated", "cut", tokens=(100, 150))), Used()
    assert await refused(caller(model), used) == "truncated"
    assert (len(model.calls), used) == (1, [("m", 100, 150)])


async def test_requests_that_are_all_refused_open_the_breaker(caller: Make) -> None:
    model = Model(Unanswerable("refused", "400"))
    made = caller(model)
    reasons = [await refused(made) for _ in range(50)]
    assert reasons[-1] == "breaker_open"
    assert len(model.calls) == 10


async def test_while_most_calls_fail_none_is_made_and_it_recovers_by_itself(
    caller: Make, clock: Time
) -> None:
    model = Model(Unavailable("connection", "refused"))
    made = caller(model)
    for _ in range(200):
        await refused(made)
    assert len(model.calls) < 20
    model.answers = [GOOD]
    clock.now += 30
    assert await ask(made) is GOOD
    assert await ask(made) is GOOD


async def test_the_tokens_of_a_minute_are_waited_for_as_long_as_a_draft_may_take(
    caller: Make, clock: Time
) -> None:
    made = caller(Model(GOOD), a_minute=600)
    for _ in range(5):
        await ask(made)
    assert clock.slept, "the sixth hundred and twenty had to wait"
    assert clock.now < 20
    slow = caller(Model(GOOD), a_minute=300, time_limit=5)
    await ask(slow)
    assert await refused(slow) == "tokens_a_minute"


async def test_silence_ends_with_the_time_limit_and_counts_as_a_failure() -> None:
    class Silent(Model):
        async def complete(self, **_: Any) -> Completion:
            self.calls.append("")
            await asyncio.Event().wait()
            raise AssertionError

    loop = asyncio.get_running_loop()
    model = Silent(GOOD)
    made = Caller(
        model=model,
        schema={},
        breaker=Breaker(loop.time),
        tokens=TokensAMinute(1e6, loop.time),
        time_limit=0.05,
        max_tokens=150,
        clock=loop.time,
    )
    reasons = await asyncio.gather(*(refused(made) for _ in range(20)))
    assert set(reasons) == {"time_limit"}
    assert await refused(made) == "breaker_open"


async def test_a_cancelled_call_says_nothing_about_the_far_side() -> None:
    loop = asyncio.get_running_loop()
    entered = asyncio.Event()

    class Silent(Model):
        async def complete(self, **_: Any) -> Completion:
            entered.set()
            await asyncio.Event().wait()
            raise AssertionError

    breaker = Breaker(loop.time)
    tokens = TokensAMinute(1000, lambda: 0.0)
    made = Caller(
        model=Silent(GOOD), schema={}, breaker=breaker, tokens=tokens, time_limit=60, max_tokens=150
    )
    task = asyncio.create_task(ask(made))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert breaker.allows() is not None
    assert tokens.take(1000) == 0, "what was taken is given back"
