"""When calls are made, and when not."""

from replies.breaker import Breaker, Circuit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(10):
        ticket = breaker.allows()
        assert ticket is not None
        breaker.failed(ticket)
    return breaker


def test_it_opens_when_half_fail_and_not_for_a_few() -> None:
    breaker = Breaker(Clock())
    for number in range(200):
        ticket = breaker.allows()
        assert ticket is not None, "one failure in three opens nothing"
        (breaker.failed if number % 3 == 0 else breaker.succeeded)(ticket)
    assert broken(Clock()).allows() is None


def test_one_call_tries_and_its_success_closes() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 2
    ticket = breaker.allows()
    assert ticket is not None
    shown = [breaker.circuit]
    assert breaker.allows() is None, "only one at a time"
    assert not breaker.may_repeat()
    breaker.succeeded(ticket)
    shown.append(breaker.circuit)
    assert shown == [Circuit.HALF_OPEN, Circuit.CLOSED]
    assert breaker.allows() is not None


def test_a_trial_that_fails_doubles_the_pause_up_to_its_bound() -> None:
    clock = Clock()
    breaker = broken(clock)
    pauses = []
    for _ in range(7):
        began = clock.now
        while (ticket := breaker.allows()) is None:
            clock.now += 0.5
        pauses.append(clock.now - began)
        breaker.failed(ticket)
    assert pauses == [2, 4, 8, 16, 30, 30, 30]


def test_a_trial_that_is_cancelled_lets_the_next_one_try() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 2
    ticket = breaker.allows()
    assert ticket is not None
    breaker.neutral(ticket)
    assert breaker.allows() is not None


def test_calls_from_before_the_break_change_nothing() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    old = breaker.allows()
    assert old is not None
    breaker.hold(60)
    breaker.succeeded(old)
    breaker.failed(old)
    breaker.neutral(old)
    assert breaker.allows() is None
    clock.now += 60
    assert breaker.allows() is not None


def test_errors_that_come_before_answers_open_nothing_while_most_calls_are_under_way() -> None:
    breaker = Breaker(Clock())
    tickets = [breaker.allows() for _ in range(256)]
    assert None not in tickets
    begun = [ticket for ticket in tickets if ticket is not None]
    for ticket in begun[:20]:
        breaker.failed(ticket)
    shown = [breaker.circuit]
    for ticket in begun[20:30]:
        breaker.failed(ticket)
    shown.append(breaker.circuit)
    assert shown == [Circuit.CLOSED, Circuit.OPEN], "20 quick errors of 256, then 30; nobody has answered yet"


def test_calls_that_ended_without_telling_anything_are_not_under_way() -> None:
    breaker = Breaker(Clock())
    for _ in range(100):
        ticket = breaker.allows()
        assert ticket is not None
        breaker.neutral(ticket)
    for _ in range(10):
        ticket = breaker.allows()
        assert ticket is not None
        breaker.failed(ticket)
    assert breaker.circuit is Circuit.OPEN
