from datetime import UTC, datetime
from io import StringIO

from rich.console import Console

from connectors.journal import Tally
from console.demo import report
from schemas.events import Platform


def made(tally: Tally, states: dict[str, tuple[str, datetime]]) -> report.Report:
    return together({Platform.FACEBOOK: tally}, {Platform.FACEBOOK: states})


def together(
    tallies: dict[Platform, Tally], states: dict[Platform, dict[str, tuple[str, datetime]]]
) -> report.Report:
    return report.make(
        tallies,
        states,
        scale={},
        drafts={"language_model": 1, "template": 2},
        stages=(),
        dead_letters=0,
        worker_restarts=0,
        skipped_rows={},
    )


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


def test_each_platform_is_counted_by_its_own_journal_even_where_ids_are_the_same() -> None:
    tallies = {
        Platform.FACEBOOK: Tally(accepted={"1": 100.0, "2": 100.0}, replies={"1": ["r"]}),
        Platform.X: Tally(accepted={"1": 100.0}, replies={"1": ["r", "s"]}),
    }
    states = {
        Platform.FACEBOOK: {"1": ("posted", at(101)), "2": ("needs_review", at(103))},
        Platform.X: {},
    }
    found = together(tallies, states)
    on_facebook, on_x = found.platforms["facebook"], found.platforms["x"]
    assert (on_facebook["received"], on_facebook["lost"], on_facebook["posted"]) == (2, 0, 1)
    assert on_facebook["outcomes"] == {"posted": 1, "needs_review": 1}
    assert (on_x["received"], on_x["lost"], on_x["posted_twice"]) == (1, 1, 1)
    assert (found.received, found.lost, found.posted, found.posted_twice) == (3, 1, 3, 1)
    assert not found.holds


def test_the_summary_shows_every_platform_and_who_wrote_the_drafts() -> None:
    console = Console(width=120, record=True, quiet=False, file=StringIO())
    tallies = {platform: Tally(accepted={"1": 100.0}) for platform in Platform}
    report.show(together(tallies, {}), console, program="parley")
    shown = console.export_text()
    assert all(platform in shown for platform in Platform)
    assert "language model 1, template 2" in shown
