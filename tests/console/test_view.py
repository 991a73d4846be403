from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.demo.snapshot import PlatformFigures, Recent, Snapshot, StageFigures
from console.demo.view import render
from console.printing import printable


def drawn(text: str) -> str:
    recent = Recent(
        author="a", text=text, sentiment="positive", intent="question", language="es", state="posted",
        reason="", reply=text,
    )  # fmt: skip
    console = Console(width=160, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    stage = StageFigures("enrich", 10, 5.0, 3)
    console.print(
        render(Snapshot(recent=(recent,), stages=(stage,), outcomes={"posted": 1}, elapsed=2, fed=1))
    )
    return console.export_text()


def test_a_comment_cannot_colour_or_steer_the_terminal() -> None:
    screen = drawn("[red]not markup[/red] \x1b[2J\x07 bell")
    assert "[red]not markup[/red]" in screen
    assert "\x1b" not in screen
    assert "\x07" not in screen


@given(st.text())
def test_any_comment_can_be_drawn_on_one_line(text: str) -> None:
    assert printable(text).isprintable()
    drawn(text)


def screen(snapshot: Snapshot, height: int) -> list[str]:
    console = Console(width=120, height=height, record=True, file=StringIO())
    console.print(render(snapshot, height))
    return console.export_text().splitlines()


def full() -> Snapshot:
    figures = PlatformFigures(received=1200, posted=480, waiting=7, delay_ms=1234.0)
    stages = ("enrich", "draft", "decide", "postgres", "post")
    states = ("posted", "needs_review", "no_reply", "queued", "escalated", "drafted", "enriched")
    intents = ("question", "complaint", "compliment", "request", "feedback", "spam", "other")
    return Snapshot(
        elapsed=10,
        fed=4800,
        platforms=dict.fromkeys(("facebook", "instagram", "linkedin", "x"), figures),
        drafts={"template": 3000, "language_model": 900},
        outcomes=dict.fromkeys(states, 5),
        sentiments=dict.fromkeys(("positive", "neutral", "negative"), 5),
        intents=dict.fromkeys(intents, 5),
        stages=tuple(StageFigures(name, 10, 5.0, 3) for name in stages),
        recent=tuple(
            Recent("a", "text", "positive", "question", "es", "posted", "", "hi") for _ in range(24)
        ),
    )


def test_every_platform_has_a_row_with_what_it_received_posted_and_waits_for() -> None:
    lines = screen(full(), 40)
    for platform in ("facebook", "instagram", "linkedin", "x"):
        row = next(line for line in lines if line.startswith(f"│ {platform} "))
        assert row.split("│")[1].split() == [platform, "1,200", "480", "7", "1.2", "s"]


def test_who_wrote_the_drafts_is_shown() -> None:
    shown = "\n".join(screen(full(), 40))
    assert "language_model" in shown
    assert "3,000" in shown


def test_the_view_fits_the_terminal() -> None:
    assert len(screen(full(), 40)) <= 40
    assert len(screen(full(), 24)) <= 24
