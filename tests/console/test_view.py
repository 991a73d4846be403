from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.demo.snapshot import Recent, Snapshot, StageFigures
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
