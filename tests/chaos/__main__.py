"""`make chaos`: the full run; prints one JSON object, exit code 1 if a promise was broken."""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra import logs
from tests.chaos import proof, run
from tests.chaos.scenario import FULL, SHORT


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills processes and servers; counts what is lost.")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="repeats a run")
    parser.add_argument("--short", action="store_true", help="the run of `make test`")
    parser.add_argument("--comments", type=int, help="instead of the scenario's number")
    parser.add_argument("--keep", type=Path, help="folder for logs, journal and data, kept afterwards")
    options = parser.parse_args()
    scenario = SHORT if options.short else FULL
    if options.comments:
        scenario = run.sized(scenario, options.comments)
    logs.configure("error", "console")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="parley-chaos-"))
    console = Console(stderr=True)
    console.print(
        f"seed {options.seed}, {scenario.comments} comments, posting x {scenario.scale:g}, "
        f"load {os.getloadavg()[0]:.1f}, logs in {folder}"
    )
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("starting", total=scenario.comments)

        def draw(progress: run.Progress) -> None:
            told = f"{sum(progress.faults.values())} faults, {progress.doing}"
            bars.update(bar, completed=progress.settled, description=told)

        found = asyncio.run(run.Chaos(scenario, options.seed, folder, draw).run())
    said = proof.broken(found, speed=not options.short)
    print(json.dumps(found | {"broken": said}, indent=2))
    if options.keep is None and not said:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
