"""The live view of the demo: one screen, drawn anew from each snapshot."""

from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from console.demo.snapshot import Snapshot
from console.printing import printable

_ABOVE_RECENT: Final = 20
"""Lines of the head, of the tallest column of the middle, and of the frame around the recent comments."""

_COLOURS: Final = {
    "positive": "green",
    "neutral": "blue",
    "negative": "red",
    "posted": "green",
    "needs_review": "yellow",
    "escalated": "red",
    "no_reply": "bright_black",
    "dead_letter": "red",
    "failed": "red",
    "language_model": "magenta",
}


def render(snapshot: Snapshot, height: int = 40) -> RenderableType:
    """The screen, of `height` lines at most where that is possible."""
    parts: list[RenderableType] = [_head(snapshot), _middle(snapshot)]
    room = height - _ABOVE_RECENT - (6 if snapshot.troubles else 0)
    parts.append(_recent(snapshot, max(3, room)))
    if snapshot.troubles:
        parts.append(Panel("\n".join(snapshot.troubles[-4:]), title="Trouble", border_style="red"))
    return Group(*parts)


def _head(snapshot: Snapshot) -> RenderableType:
    of = f" of {snapshot.total:,}" if snapshot.total else ""
    rate = snapshot.stored / snapshot.elapsed * 60 if snapshot.elapsed > 1 else 0
    return Text.assemble(
        (" Parley ", "bold reverse"),
        f" {snapshot.elapsed:4.0f} s   sent {snapshot.fed:,}{of}   stored {snapshot.stored:,}   ",
        (f"posted {snapshot.outcomes.get('posted', 0):,}", "green"),
        "   ",
        (f"for people {snapshot.for_people:,}", "yellow"),
        f"   under way {snapshot.unsettled:,}   dead {snapshot.dead_letters:,}   {rate:,.0f} a minute",
    )


def _middle(snapshot: Snapshot) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 1))
    for ratio in (4, 3, 3):
        grid.add_column(ratio=ratio)
    grid.add_row(
        Group(Panel(_platforms(snapshot), title="Platforms"), Panel(_stages(snapshot), title="Stages")),
        Group(
            Panel(_bars(snapshot.sentiments), title="Sentiment"),
            Panel(_bars(snapshot.intents), title="Intent"),
        ),
        Group(
            Panel(_bars(snapshot.outcomes), title="States"),
            Panel(_bars(snapshot.drafts), title="Drafts written by"),
        ),
    )
    return grid


def _platforms(snapshot: Snapshot) -> RenderableType:
    table = _figures("Platform", "Received", "Posted", "Waits", "Median")
    for name, found in snapshot.platforms.items():
        delay = f"{found.delay_ms / 1000:,.1f} s"
        table.add_row(name, f"{found.received:,}", f"{found.posted:,}", f"{found.waiting:,}", delay)
    return table


def _stages(snapshot: Snapshot) -> RenderableType:
    table = _figures("Stage", "Rec/s", "Lag")
    for stage in snapshot.stages:
        table.add_row(stage.name, f"{stage.per_second:,.0f}", f"{stage.lag:,}")
    return table


def _figures(name: str, *figures: str) -> Table:
    table = Table(expand=True, box=None, header_style="bold", pad_edge=False)
    table.add_column(name, no_wrap=True)
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    return table


def _bars(counts: dict[str, int]) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right")
    most = max(counts.values(), default=1)
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        bar = ProgressBar(total=most, completed=count, complete_style=_COLOURS.get(name, "cyan"))
        table.add_row(name, bar, f"{count:,}")
    return table


def _recent(snapshot: Snapshot, rows: int) -> RenderableType:
    table = Table(expand=True, box=None, header_style="bold", pad_edge=False)
    table.add_column("Comment", ratio=5, no_wrap=True, overflow="ellipsis")
    table.add_column("Labels", ratio=2, no_wrap=True)
    table.add_column("State", min_width=12, no_wrap=True)
    table.add_column("Reply, or why not", ratio=5, no_wrap=True, overflow="ellipsis")
    for item in snapshot.recent[:rows]:
        # Text() and not a string: comments are data, their square brackets are not markup.
        table.add_row(
            Text(printable(item.text)),
            Text.assemble(
                (item.sentiment, _COLOURS.get(item.sentiment, "")), f" {item.intent} {item.language}"
            ),
            Text(item.state, _COLOURS.get(item.state, "")),
            Text(printable(item.reply or item.reason), "italic" if item.reply else "bright_black"),
        )
    return Panel(table, title="Lately")
