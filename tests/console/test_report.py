from datetime import UTC, datetime

from connectors.journal import Tally
from console.demo import report


def made(tally: Tally, states: dict[str, tuple[str, datetime]]) -> report.Report:
    return report.make(tally, states, scale={}, stages=(), dead_letters=0, worker_restarts=0, skipped_rows={})


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_delivered_comment_without_a_row_is_lost() -> None:
    found = made(Tally(accepted={"a": 100.0, "b": 100.0}), {"a": ("posted", at(101))})
    assert (found.received, found.lost, found.outcomes) == (2, 1, {"posted": 1})
    assert not found.holds


def test_two_replies_to_one_comment_are_counted_from_the_journal_whatever_the_database_says() -> None:
    tally = Tally(accepted={"a": 100.0}, replies={"a": ["1", "2"]})
    found = made(tally, {"a": ("posted", at(101))})
    assert (found.posted, found.posted_twice) == (2, 1)
    assert not found.holds


def test_a_row_that_was_never_delivered_is_not_received() -> None:
    assert made(Tally(), {"a": ("posted", at(101))}).received == 0


def test_the_rate_runs_from_the_first_delivery_to_the_last_settled_comment() -> None:
    tally = Tally(accepted={"a": 100.0, "b": 110.0})
    found = made(tally, {"a": ("no_reply", at(101)), "b": ("posted", at(130))})
    assert found.comments_per_minute == 4.0
    assert found.latency_ms == {"p50": 20_000.0, "p95": 20_000.0}


def test_a_run_without_comments_has_a_report() -> None:
    assert made(Tally(), {}).as_json()["comments_per_minute"] == 0.0
