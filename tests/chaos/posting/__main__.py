"""`make chaos-posting`: the full run; prints one JSON object, exit code 1 if a promise was broken."""

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
from tests.chaos.posting import proof
from tests.chaos.posting.run import PostingChaos
from tests.chaos.posting.scenario import FULL, SHORT


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills posters in mid-call; counts what is answered twice.")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="repeats a run")
    parser.add_argument("--short", action="store_true", help="the run of `make test`")
    parser.add_argument("--keep", type=Path, help="folder for logs, journals and data, kept afterwards")
    options = parser.parse_args()
    scenario = SHORT if options.short else FULL
    logs.configure("error", "console")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="parley-chaos-posting-"))
    console = Console(stderr=True)
    console.print(f"seed {options.seed}, {scenario.replies} replies, load {os.getloadavg()[0]:.1f}")
    console.print(f"scale {scenario.told()}, logs in {folder}")
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("starting", total=scenario.replies)

        def draw(done: int, doing: str) -> None:
            bars.update(bar, completed=done, description=doing)

        found = asyncio.run(PostingChaos(scenario, options.seed, folder, draw).run())
    said = proof.broken(found)
    print(json.dumps(found | {"broken": said}, indent=2))
    if options.keep is None and not said:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
