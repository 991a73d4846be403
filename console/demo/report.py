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
from schemas.events import Platform
from schemas.states import OPEN_PEOPLE

States = Mapping[str, tuple[str, datetime]]
"""(state, since when) of comments by the platform's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run came to; the JSON form of the demo.

    `received`: comments that the simulators delivered and got a 2xx for. `lost`: those of them without a row.
    `posted`: replies that requests brought into being on the simulators; `posted_twice`: comments with more
    than one. `comments_per_minute`: from the first delivery to the last settled comment. `latency_ms`: from a
    comment's delivery until it was settled. `scale`: by how much posting was made faster than life. `drafts`:
    by who wrote them. `platforms`: the same counts of each platform alone.
    """

    received: int
    outcomes: dict[str, int]
    lost: int
    posted: int
    posted_twice: int
    comments_per_minute: float
    latency_ms: dict[str, float]
    scale: dict[str, float]
    drafts: dict[str, int]
    platforms: dict[str, dict[str, Any]]
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


@dataclass(frozen=True, slots=True)
class _Counted:
    """Comments of one platform, or of several: when delivered, their state, since when; replies."""

    delivered: list[float]
    states: list[str]
    settled: list[float]
    latencies: list[float]
    posted: int
    posted_twice: int

    @classmethod
    def of(cls, tally: Tally, states: States) -> "_Counted":
        found = {comment: states[comment] for comment in tally.accepted if comment in states}
        settled = {comment: since.timestamp() for comment, (_, since) in found.items()}
        return cls(
            delivered=list(tally.accepted.values()),
            states=[state for state, _ in found.values()],
            settled=list(settled.values()),
            latencies=sorted(1000 * (when - tally.accepted[comment]) for comment, when in settled.items()),
            posted=tally.posted,
            posted_twice=len(tally.posted_twice),
        )

    @classmethod
    def together(cls, parts: Sequence["_Counted"]) -> "_Counted":
        return cls(
            delivered=[each for part in parts for each in part.delivered],
            states=[each for part in parts for each in part.states],
            settled=[each for part in parts for each in part.settled],
            latencies=sorted(each for part in parts for each in part.latencies),
            posted=sum(part.posted for part in parts),
            posted_twice=sum(part.posted_twice for part in parts),
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "received": len(self.delivered),
            "outcomes": dict(Counter(self.states).most_common()),
            "lost": len(self.delivered) - len(self.settled),
            "posted": self.posted,
            "posted_twice": self.posted_twice,
            "latency_ms": {"p50": _percentile(self.latencies, 0.5), "p95": _percentile(self.latencies, 0.95)},
        }


def make(
    tallies: Mapping[Platform, Tally],
    states: Mapping[Platform, States],
    *,
    scale: dict[str, float],
    drafts: Mapping[str, int],
    stages: Sequence[StageFigures],
    dead_letters: int,
    worker_restarts: int,
    skipped_rows: Mapping[str, int],
) -> Report:
    """The report of one run: each platform's journal, counted, beside its comments in the database."""
    counted = {platform: _Counted.of(tally, states.get(platform, {})) for platform, tally in tallies.items()}
    whole = _Counted.together(list(counted.values()))
    seconds = max(whole.settled) - min(whole.delivered) if whole.settled else 0.0
    return Report(
        **whole.as_json(),
        comments_per_minute=round(len(whole.settled) / seconds * 60, 1) if seconds > 0 else 0.0,
        scale=scale,
        drafts=dict(drafts),
        platforms={platform.value: each.as_json() for platform, each in counted.items()},
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
    table.add_row("Replies on the simulated platforms", f"{report.posted:,}")
    wrote = ", ".join(f"{origin.replace('_', ' ')} {count:,}" for origin, count in report.drafts.items())
    table.add_row("Drafts, by who wrote them", wrote or "none")
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
    console.print(_platforms(report))
    for line in (
        "\nAsk the results:",
        f'  {program} --demo sql "select state, intent, text, reply from comment_overview limit 10"',  # noqa: S608
        "What waits for a person (the demo's data lie apart from your own):",
        f"  {program} --demo review list",
    ):
        console.print(line, soft_wrap=True, highlight=False, markup=False)  # can be copied as it stands


def _platforms(report: Report) -> Table:
    table = Table(title="\nBy platform", title_justify="left", box=None, header_style="bold")
    table.add_column("Platform")
    for name in ("Received", "Replies", "For people", "Lost", "Twice", "Median", "95th"):
        table.add_column(name, justify="right")
    for platform, found in report.platforms.items():
        latency = found["latency_ms"]
        table.add_row(
            platform,
            *(f"{found[name]:,}" for name in ("received", "posted")),
            f"{sum(found['outcomes'].get(state.value, 0) for state in OPEN_PEOPLE):,}",
            *(f"{found[name]:,}" for name in ("lost", "posted_twice")),
            *(f"{latency[share]:,.0f} ms" for share in ("p50", "p95")),
        )
    return table
