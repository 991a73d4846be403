"""The demo's summary: counts from the simulator's journal and the database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from connectors.journal import Tally
from console.demo.snapshot import StageFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run came to; the JSON form of the demo.

    `received`: comments that the simulator delivered and got a 2xx for. `lost`: those of them without a row.
    `posted`: replies that requests brought into being on the simulator; `posted_twice`: comments with more
    than one. `comments_per_minute`: from the first delivery to the last settled comment. `latency_ms`: from a
    comment's delivery until it was settled. `scale`: by how much posting was made faster than life.
    """

    received: int
    outcomes: dict[str, int]
    lost: int
    posted: int
    posted_twice: int
    comments_per_minute: float
    latency_ms: dict[str, float]
    scale: dict[str, float]
    stages: dict[str, dict[str, int]]
    seconds: float
    dead_letters: int
    worker_restarts: int
    skipped_rows: dict[str, int]
    replay: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        found = asdict(self)
        if found["replay"] is None:
            del found["replay"]
        return found

    @property
    def holds(self) -> bool:
        """True if the promises were kept: none lost, none posted twice."""
        return not self.lost and not self.posted_twice


def make(
    tally: Tally,
    states: Mapping[str, tuple[str, datetime]],
    *,
    scale: dict[str, float],
    stages: Sequence[StageFigures],
    dead_letters: int,
    worker_restarts: int,
    skipped_rows: Mapping[str, int],
) -> Report:
    """The report of one run; `states`: (state, since when) by the platform's id."""
    accepted = tally.accepted
    settled = {comment: states[comment][1].timestamp() for comment in accepted if comment in states}
    latencies = sorted(1000 * (when - accepted[comment]) for comment, when in settled.items())
    seconds = max(settled.values(), default=0.0) - min(accepted.values(), default=0.0) if settled else 0.0
    return Report(
        received=len(accepted),
        outcomes=dict(Counter(states[comment][0] for comment in settled).most_common()),
        lost=len(accepted) - len(settled),
        posted=tally.posted,
        posted_twice=len(tally.posted_twice),
        comments_per_minute=round(len(settled) / seconds * 60, 1) if seconds > 0 else 0.0,
        latency_ms={"p50": _percentile(latencies, 0.5), "p95": _percentile(latencies, 0.95)},
        scale=scale,
        stages={stage.name: {"finished": stage.finished, "lag": stage.lag} for stage in stages},
        seconds=round(seconds, 1),
        dead_letters=dead_letters,
        worker_restarts=worker_restarts,
        skipped_rows=dict(skipped_rows),
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank; 0 for no values."""
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


def show(report: Report, console: Console, *, program: str) -> None:
    """Prints the summary; `program` is how Parley was called."""
    verdict = "[green]kept[/]" if report.holds else "[bold red]BROKEN[/]"
    table = Table(title="What came of it", title_justify="left", show_header=False, box=None)
    table.add_row("Comments received (answered 2xx)", f"{report.received:,}")
    for state, count in report.outcomes.items():
        table.add_row(f"  {state}", f"{count:,}")
    table.add_row("Replies on the simulated page", f"{report.posted:,}")
    table.add_row("Lost / answered twice", f"{report.lost} / {report.posted_twice}   promises {verdict}")
    table.add_row("Rate", f"{report.comments_per_minute:,.0f} comments a minute over {report.seconds:.0f} s")
    latency = report.latency_ms
    table.add_row(
        "Received until settled", f"{latency['p50']:,.0f} ms median, {latency['p95']:,.0f} ms at the 95th"
    )
    table.add_row("Posting, against life", ", ".join(f"{name} x {by:g}" for name, by in report.scale.items()))
    if report.dead_letters:
        table.add_row("Dead letters", f"{report.dead_letters}")
    for reason, count in report.skipped_rows.items():
        table.add_row(f"Rows of the file passed over: {reason}", f"{count:,}")
    console.print(table)
    for line in (
        "\nAsk the results:",
        f'  {program} --demo sql "select state, intent, text, reply from comment_overview limit 10"',  # noqa: S608
        "What waits for a person (the demo's data lie apart from your own):",
        f"  {program} --demo review list",
    ):
        console.print(line, soft_wrap=True, highlight=False, markup=False)  # can be copied as it stands
