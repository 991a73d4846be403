"""`make chaos-posting`: the full run; prints one JSON object, exit code 1 if a promise was broken.

With `--drain N`: N replies wait on a page that blocks above its limit, and all of them are posted.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra import logs, postgres
from infra.embedded.postgres import PostgresServer
from infra.embedded.state import StateFolder
from tests.chaos.posting import drain, proof
from tests.chaos.posting.run import PostingChaos
from tests.chaos.posting.scenario import FULL, SHORT


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills posters in mid-call; counts what is answered twice.")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="repeats a run")
    parser.add_argument("--short", action="store_true", help="the run of `make test`")
    parser.add_argument("--drain", type=int, metavar="N", help="posts N waiting replies at a page's pace")
    parser.add_argument("--keep", type=Path, help="folder for logs, journals and data, kept afterwards")
    options = parser.parse_args()
    logs.configure("error", "console")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="parley-chaos-posting-"))
    scenario = SHORT if options.short else FULL
    total = options.drain or scenario.replies
    console = Console(stderr=True)
    console.print(f"{total} replies, load {os.getloadavg()[0]:.1f}, logs in {folder}")
    console.print(drain.scale() if options.drain else f"seed {options.seed}, scale {scenario.told()}")
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("starting", total=total)

        def draw(done: int, doing: str = "posting") -> None:
            bars.update(bar, completed=done, description=doing)

        if options.drain:
            found = asyncio.run(_drain(folder, options.drain, draw))
            said = drain.broken(found)
        else:
            found = asyncio.run(PostingChaos(scenario, options.seed, folder, draw).run())
            said = proof.broken(found)
    print(json.dumps(found | {"broken": said}, indent=2))
    if options.keep is None and not said:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if said else 0


async def _drain(folder: Path, waiting: int, draw: Callable[[int], None]) -> dict[str, Any]:
    """A drain on a Postgres of its own."""
    state = StateFolder(folder.absolute() / "servers")
    state.prepare()
    server = PostgresServer(state)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        await server.start()
        pool = await stack.enter_async_context(postgres.open_pool(server.address, size=8))
        await postgres.migrate(pool)
        return await drain.drain(pool, folder, sent=waiting, waiting=waiting, draw=draw)


if __name__ == "__main__":
    sys.exit(main())
