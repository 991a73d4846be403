"""A worker process for tests: both sinks, poster and relay, over a page whose journal is a file.

Started as `python worker.py '{"bootstrap": …, "database": …, "folder": …, "prefix": …, "topics": {…}}'`;
`topics` gives the test's own topics in place of the catalogue's.
"""

import asyncio
import dataclasses
import itertools
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from connectors.accounts import Account
from connectors.outcomes import Posted, WriteOutcome
from connectors.platform import CommentState, OwnReply, PlatformClient, Usage
from infra import logs
from infra.crypto import KeyRing
from infra.kafka import open_publisher
from infra.postgres import open_pool
from infra.settings import Settings
from schemas.topics import Topic
from sinks.post_sink import post_sink
from sinks.poster import Poster
from sinks.postgres_sink import postgres_sink
from sinks.relay import Relay
from streams.runner import Work, run
from streams.settings import RunnerSettings
from streams.stage import Stage

KEYS = KeyRing({"k": bytes(32)})


class JournalPage:
    """Every comment exists; replies take effect in the journal before the answer comes."""

    usage = Usage()

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self._ids = (f"{os.getpid()}-{number}" for number in itertools.count())

    def client(self, account: Account, token: str) -> PlatformClient:
        return self  # type: ignore[return-value]

    async def read_comment(self, platform_comment_id: str) -> CommentState:
        return CommentState(exists=True, text="Lovely!")

    async def own_replies(self, platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:
        found = []
        for line in self.journal.read_text().splitlines() if self.journal.exists() else ():
            entry = json.loads(line)
            if entry["comment"] == platform_comment_id:
                found.append(OwnReply(reply_id=entry["id"], text=entry["text"], created_at=None))
        return found

    async def reply(self, platform_comment_id: str, text: str) -> WriteOutcome:
        await asyncio.sleep(0.02)
        entry = {"comment": platform_comment_id, "text": text, "id": next(self._ids)}
        with self.journal.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        await asyncio.sleep(0.05)
        return Posted(entry["id"])


def main(plan: dict[str, Any]) -> int:
    folder = Path(plan["folder"])
    settings = Settings(posting_timeout=0.5, posting_settle_after=0.5, posting_concurrency=4)

    def on_own_topics(stage: Stage) -> Stage:
        reads = tuple(
            Topic(name=plan["topics"][topic.name], schema=topic.schema)
            for topic in stage.reads
            if topic.name in plan["topics"]
        )
        return dataclasses.replace(stage, reads=reads)

    async def compose(resources: AsyncExitStack) -> Work:
        pool = await resources.enter_async_context(open_pool(plan["database"], size=8))
        publisher = await resources.enter_async_context(open_publisher(plan["bootstrap"]))
        poster = Poster(pool, JournalPage(folder / "journal.jsonl"), KEYS, settings)
        stages = [on_own_topics(postgres_sink(pool)), on_own_topics(post_sink(pool))]
        return Work(stages=stages, background=[poster.run, Relay(pool, publisher).run])

    return run(
        compose,
        RunnerSettings(
            bootstrap_servers=plan["bootstrap"],
            group_prefix=plan["prefix"],
            session_timeout=6,
            base_port=0,
        ),
    )


if __name__ == "__main__":
    logs.configure("warning", "console")
    sys.exit(main(json.loads(sys.argv[1])))
