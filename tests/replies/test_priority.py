"""Which comment comes first."""

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replies.desk import Desk
from replies.priority import DEFAULT, Weights, score
from schemas.labels import Intent, Sentiment


def of(intent: Intent, sentiment: Sentiment = Sentiment.NEUTRAL, **changes: Any) -> float:
    facts: dict[str, Any] = {"risk": False, "age_share": 0.0, "opens_thread": True, "mentions": False}
    return score(intent, sentiment, **{**facts, **changes})


def test_those_who_need_something_come_before_those_who_are_kind() -> None:
    assert of(Intent.COMPLAINT) > of(Intent.QUESTION) > of(Intent.FEEDBACK) > of(Intent.COMPLIMENT)


def test_unhappy_fresh_mentioning_and_first_of_their_thread_come_sooner() -> None:
    plain = of(Intent.QUESTION)
    assert of(Intent.QUESTION, Sentiment.NEGATIVE) > plain
    assert of(Intent.QUESTION, age_share=0.9) < plain
    assert of(Intent.QUESTION, mentions=True) > plain
    assert of(Intent.QUESTION, opens_thread=False) < plain


@given(st.sampled_from(Intent), st.sampled_from(Sentiment), st.floats(-1, 9), st.booleans(), st.booleans())
def test_risk_stands_before_everything_without_it(
    intent: Intent, sentiment: Sentiment, age_share: float, opens: bool, mentions: bool
) -> None:
    most = of(Intent.COMPLAINT, Sentiment.NEGATIVE, mentions=True, followers=10**9) + DEFAULT.thread
    worst = score(intent, sentiment, risk=True, age_share=0.0, opens_thread=opens, mentions=mentions)
    assert worst > most
    aged = of(intent, sentiment, age_share=age_share)
    assert aged <= of(intent, sentiment)


def test_a_policy_changes_the_weights_it_names_and_keeps_the_others() -> None:
    weights = Weights(intent={Intent.COMPLIMENT: 50.0})
    assert of(Intent.COMPLIMENT, weights=weights) > of(Intent.COMPLAINT, weights=weights)
    assert of(Intent.QUESTION, weights=weights) == of(Intent.QUESTION)


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_reach_adds_by_powers_of_ten_up_to_its_weight(one: int, other: int) -> None:
    low, high = (of(Intent.QUESTION, followers=each) for each in sorted((one, other)))
    plain = of(Intent.QUESTION, followers=None)
    assert plain <= low <= high <= round(plain + DEFAULT.reach, 3)
    assert of(Intent.QUESTION, followers=1_000) == round(plain + DEFAULT.reach / 2, 3)
    assert of(Intent.QUESTION, followers=10**6) == round(plain + DEFAULT.reach, 3)
    assert of(Intent.QUESTION, followers=0) == plain


def test_a_policy_may_leave_reach_out() -> None:
    assert of(Intent.QUESTION, followers=10**6, weights=Weights(reach=0)) == of(Intent.QUESTION)


def test_a_decision_weighs_its_authors_reach(
    desk: Callable[..., Any], comment: Callable[..., Any], analysis: Callable[..., Any], now: datetime
) -> None:
    made: Desk = desk()

    def worth(followers: int | None) -> float:
        said, meant = dataclasses.replace(comment("Thank you"), author_followers=followers), analysis()
        return made.decide(said, meant, made.draft(said, meant), now).priority

    assert worth(10**6) == round(worth(None) + DEFAULT.reach, 3)
