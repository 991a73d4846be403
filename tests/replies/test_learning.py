import pytest
from hypothesis import given
from hypothesis import strategies as st

from replies.learning import LEAST, Counts, threshold, weights, wilson

verdicts = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=200)


@given(verdicts, st.floats(0.5, 0.99))
def test_a_threshold_keeps_its_promise_on_the_evidence(
    found: list[tuple[float, bool]], target: float
) -> None:
    at = threshold(found, target)
    if at.confidence is None:
        return
    there = [approved for confidence, approved in found if confidence >= at.confidence]
    assert (at.judged, at.approved) == (len(there), sum(there))
    assert len(there) >= LEAST
    assert wilson(sum(there), len(there)) >= target


@given(verdicts)
def test_no_lower_threshold_would_do(found: list[tuple[float, bool]]) -> None:
    at = threshold(found, 0.8)
    for lower in {confidence for confidence, _ in found if confidence < (at.confidence or 2)}:
        there = [approved for confidence, approved in found if confidence >= lower]
        assert len(there) < LEAST or wilson(sum(there), len(there)) < 0.8


def test_few_verdicts_suggest_nothing() -> None:
    assert threshold([(0.9, True)] * (LEAST - 1), 0.5).confidence is None
    assert weights([Counts(LEAST - 1, 0, 0), Counts(0, 0, 0)]) == [None, None]
    assert weights([]) == []


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_bound_is_where_the_score_test_stops_rejecting(case: tuple[int, int]) -> None:
    good, number = case
    low = wilson(good, number)
    assert 0 <= low <= good / number + 1e-12
    assert (good / number - low) ** 2 == pytest.approx(1.645**2 * low * (1 - low) / number, abs=1e-9)


def test_what_people_reject_weighs_less_and_nothing_vanishes() -> None:
    good, edited, bad = weights([Counts(40, 0, 0), Counts(0, 40, 0), Counts(0, 0, 40)])
    assert good == 1
    assert good is not None
    assert edited is not None
    assert bad is not None
    assert good > edited > bad >= 0.05
