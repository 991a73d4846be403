"""`make completeness`: 10,000 comments of each platform; a JSON object a platform, exit code 1 if broken."""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors.catalogue import CONNECTORS
from console.servers import Servers
from infra import logs
from infra.embedded.stack import EmbeddedStack, Endpoints
from infra.settings import Settings
from schemas.events import Platform
from tests.integration.completeness import proof
from tests.integration.completeness.databases import new_database
from tests.integration.completeness.run import FULL, SHORT, Completeness, Load


def main() -> int:
    parser = argparse.ArgumentParser(description="Drops, repeats and kills; counts what is lost.")
    parser.add_argument("platforms", nargs="*", type=Platform, help="all of them without")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="repeats a run")
    parser.add_argument("--short", action="store_true", help="the run of `make test`")
    parser.add_argument("--comments", type=int, help="instead of the run's number")
    parser.add_argument("--keep", type=Path, help="folder for logs and journals, kept afterwards")
    options = parser.parse_args()
    logs.configure("error", "console")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="parley-completeness-"))
    load = SHORT if options.short else FULL
    load = replace(load, comments=options.comments or load.comments)
    print(f"seed {options.seed}, {load.comments} comments, logs in {folder}", file=sys.stderr)
    failed = False
    with EmbeddedStack(folder / "stack", cache_dir=Settings().cache_dir) as endpoints:
        for platform in options.platforms or CONNECTORS:
            found = asyncio.run(_run(platform, load, options.seed, folder, endpoints))
            said = proof.broken(found)
            failed |= bool(said)
            print(json.dumps(found | {"broken": said}, indent=2, default=str), flush=True)
    if options.keep is None and not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


async def _run(platform: Platform, load: Load, seed: int, folder: Path, on: Endpoints) -> dict[str, Any]:
    servers = Servers(kafka=on.kafka, database=await new_database(on.postgres, platform.value))
    return await Completeness(platform, load, seed, folder / platform.value, servers).run()


if __name__ == "__main__":
    sys.exit(main())
