"""Tokens a minute and tokens a month."""

from datetime import UTC, date, datetime

from replies.budget import MonthlyBudget, TokensAMinute

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOVEMBER = date(2026, 11, 1)
PAGE = ("facebook", "page")


def test_a_minutes_tokens_fill_evenly() -> None:
    now = [0.0]
    bucket = TokensAMinute(600, lambda: now[0])
    assert bucket.take(600) == 0
    assert bucket.take(100) == 10
    now[0] = 10
    assert bucket.take(100) == 0
    bucket.correct(100, 40)
    assert bucket.take(60) == 0, "what was guessed too high is given back"
    bucket.correct(60, 660)
    assert bucket.take(1) > 60, "what was guessed too low is owed"


def test_a_call_larger_than_the_bucket_goes_through_a_full_one() -> None:
    now = [0.0]
    bucket = TokensAMinute(100, lambda: now[0])
    assert bucket.take(250) == 0
    assert bucket.take(1) > 0


def test_nothing_is_spent_before_it_is_known_what_was() -> None:
    budget = MonthlyBudget(1000)
    assert budget.refused(PAGE, NOW) == "budget_unknown"
    budget.learn(NOVEMBER, {}, {})
    assert budget.refused(PAGE, NOW) is None


def test_zero_is_zero() -> None:
    budget = MonthlyBudget(0)
    budget.learn(NOVEMBER, {}, {})
    assert budget.refused(PAGE, NOW) == "budget_zero"


def test_own_use_counts_at_once_and_only_once_when_it_comes_back_from_the_table() -> None:
    budget = MonthlyBudget(1000)
    budget.learn(NOVEMBER, {PAGE: 500}, {})
    budget.spend(PAGE, 499, NOW)
    assert budget.refused(PAGE, NOW) is None
    budget.learn(NOVEMBER, {PAGE: 999}, {PAGE: 499})
    assert budget.refused(PAGE, NOW) is None
    budget.spend(PAGE, 1, NOW)
    assert budget.refused(PAGE, NOW) == "budget_spent"
    assert budget.refused(("facebook", "other"), NOW) is None, "each account has its own"


def test_a_new_month_begins_with_nothing_spent() -> None:
    budget = MonthlyBudget(1000)
    budget.learn(NOVEMBER, {PAGE: 5000}, {})
    assert budget.refused(PAGE, NOW) == "budget_spent"
    december = datetime(2026, 12, 1, tzinfo=UTC)
    assert budget.refused(PAGE, december) is None
    budget.learn(NOVEMBER, {PAGE: 5000}, {})
    assert budget.refused(PAGE, december) is None, "what comes late of the old month counts there"
