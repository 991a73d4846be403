"""`parley demo --replay`: everything is fed in again, and what that changed is counted."""

import asyncio
from typing import Final

from console import replay
from console.demo.journals import Journals
from console.demo.snapshot import Reader
from console.servers import Servers
from infra.postgres import Pool
from schemas import headers, topics

_TABLES: Final = (
    "comments", "comment_revisions", "analyses", "generated_responses", "decisions", "review_items",
    "reply_queue", "reply_attempts", "reply_outcomes", "observed_replies", "dead_letters",
)  # fmt: skip


async def feed_again(servers: Servers, reader: Reader, journals: Journals, pool: Pool) -> dict[str, object]:
    """Feeds all of `comments.raw` in again; gives what changed: rows by table, lines in the journals."""
    rows, journaled = await _row_counts(pool), journals.requests()
    fed, _ = await replay.feed_again(servers.kafka, topics.COMMENTS_RAW, None, None, headers.REPLAY_MARK)
    quiet = 0
    while quiet < 4:  # two seconds without lag: nothing of it is under way any more
        await asyncio.sleep(0.5)
        quiet = quiet + 1 if not sum(stage.lag for stage in await reader.stages()) else 0
    after = await _row_counts(pool)
    changed = {table: [rows[table], count] for table, count in after.items() if count != rows[table]}
    requests = journals.requests() - journaled
    return {"fed_again": fed, "rows_changed": changed, "requests_to_simulator": requests}


async def _row_counts(pool: Pool) -> dict[str, int]:
    return {table: await pool.fetchval(f"select count(*) from {table}") for table in _TABLES}  # noqa: S608
