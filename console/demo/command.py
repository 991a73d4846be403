"""The command `parley demo`."""

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from console.demo import DEMO_STATE, report
from console.demo.feed import Plan
from console.demo.run import Demo
from console.demo.snapshot import Snapshot
from console.demo.view import render
from console.servers import alone, open_servers
from console.texts import BadRow, read_texts
from infra import logs, settings
from infra.settings import Settings
from schemas.errors import ConfigurationError

SAMPLE: Final = Path(__file__).parent / "sample.jsonl"
SAMPLE_RATE: Final = 10.0
SAMPLE_SECONDS: Final = 60.0
_SCALE: Final = 100.0
_SCALE_UNLIMITED: Final = 1000.0


def demo(
    comments: Annotated[
        Path | None, typer.Option(help="Texts to stream: .tsv (last column), .csv or .jsonl (field text).")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Comments a second; unlimited for a file.", min=0.1)
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds; a file is streamed whole.", min=1)] = None,
    scale: Annotated[
        float | None, typer.Option(help="How much faster than life may be posted.", min=0.1)
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Afterwards feed everything in again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and no view.")] = False,
) -> None:
    """Streams comments of four simulated platforms through the whole pipeline, and shows what happens."""
    if comments is None:
        rate, duration = rate or SAMPLE_RATE, duration or SAMPLE_SECONDS
    plan = Plan(
        texts=(lambda: read_texts(comments)) if comments else _sample,
        total=None if comments else round((rate or 0) * (duration or 0)),
        rate=rate,
        duration=duration,
        scale=scale or (_SCALE if rate else _SCALE_UNLIMITED),
        replay=replay,
    )
    if comments is not None:
        _require_text(comments)
    loaded = settings.load()
    loaded = settings.load(state_dir=loaded.state_dir / DEMO_STATE)
    logs.configure("error" if loaded.log_level == "info" else loaded.log_level, "console")
    console = Console(stderr=as_json)
    if as_json or not console.is_terminal:
        found = _run(loaded, plan, _Lines(console))
    else:
        with Live(console=console, refresh_per_second=4, screen=False, transient=False) as live:
            found = _run(loaded, plan, lambda snapshot: live.update(render(snapshot, console.height)))
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        report.show(found, console, program=_program())
    sys.stdout.flush()
    if not found.holds:
        raise typer.Exit(1)


def _run(loaded: Settings, plan: Plan, draw: Callable[[Snapshot], None]) -> report.Report:
    with alone(loaded, "demo"), open_servers(loaded) as servers:
        return asyncio.run(Demo(loaded, servers, plan, draw).run())


def _require_text(file: Path) -> None:
    """A file that cannot be read, or holds nothing, is told before anything is started."""
    rows = 0
    for row in read_texts(file):
        if not isinstance(row, BadRow):
            return
        rows += 1
    raise ConfigurationError(
        f"{file} holds no text ({rows} rows that cannot be read). Name a file with comments."
    )


def _program() -> str:
    """How Parley was called, so that the lines we print can be typed."""
    called = Path(sys.argv[0]).absolute()
    return str(called.relative_to(Path.cwd())) if called.is_relative_to(Path.cwd()) else called.name


def _sample() -> Iterator[str | BadRow]:
    return itertools.chain.from_iterable(read_texts(SAMPLE) for _ in itertools.count())


class _Lines:
    """The view where there is no terminal: a line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0
        self._said: tuple[str, ...] = ()

    def __call__(self, snapshot: Snapshot) -> None:
        if snapshot.troubles != self._said:
            self._said = snapshot.troubles
            for trouble in snapshot.troubles[-1:]:
                self._console.print(trouble, markup=False, highlight=False)
        if snapshot.elapsed >= self._next and snapshot.elapsed > 0:
            self._next = snapshot.elapsed + 5
            states = ", ".join(f"{state} {count}" for state, count in snapshot.outcomes.items())
            self._console.print(f"{snapshot.elapsed:4.0f} s  sent {snapshot.fed}  {states}", highlight=False)
