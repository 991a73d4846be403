"""A replay of everything, after people and the machine have decided: nothing is asked of the platform."""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.journal import Counting, lines
from console.demo.command import SAMPLE
from console.demo.pipeline import Pipeline, supervised
from console.demo.platforms import WITHOUT_MODEL
from console.supervisor import Supervisor
from console.texts import read_texts
from infra import postgres
from infra.lag import open_lag_reader
from infra.settings import load
from tests.chaos.proof import total_lag
from tests.chaos.servers import servers

ROOT = Path(__file__).parents[2]
COMMENTS = 40
FACTS = {
    "comments": "select comment_id, state, state_reason from comments order by comment_id",
    "people": "select decision_id, comment_id, action, person, text, decided_at, is_spent from decisions "
    "where decided_by = 'person' order by decision_id",
    "machine": "select decision_id, comment_id, action from decisions "
    "where decided_by = 'machine' order by decision_id",
    "queue": "select decision_id, state, text, attempts from reply_queue order by decision_id",
    "drafts": "select draft_id, content, is_approved, is_sent from generated_responses order by draft_id",
}


async def until(holds: Callable[[], Awaitable[Any]], within: float = 120.0, what: str = "") -> Any:
    async with asyncio.timeout(within):
        while not (found := await holds()):
            await asyncio.sleep(0.3)
        return found


@pytest.mark.integration
async def test_replaying_all_comments_posts_nothing_and_leaves_peoples_decisions_alone(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path / "state") as running:
        loaded = load(state_dir=tmp_path / "state")
        pipeline = Pipeline(loaded, running.addresses, scale=500, environment=WITHOUT_MODEL)
        await pipeline.set_up()
        page = pipeline.accounts[0]
        journal = page.journal(tmp_path)
        supervisor = Supervisor(pipeline.programs(tmp_path), log_dir=tmp_path, stop_within=30)
        async with (
            supervised(supervisor),
            postgres.open_pool(running.addresses.database, size=2) as pool,
            open_lag_reader(running.addresses.kafka) as lag,
            httpx.AsyncClient(timeout=60, trust_env=False) as simulator,
        ):

            async def count(state: str) -> int:
                return int(await pool.fetchval("select count(*) from comments where state = $1", state))

            async def settled() -> bool:
                moving = "('received', 'enriched', 'drafted', 'queued', 'posting', 'unknown')"
                open_ones = await pool.fetchval(f"select count(*) from comments where state in {moving}")
                told = len(Counting(journal).update().accepted)
                return told == COMMENTS and not open_ones and not await total_lag(lag)

            async def ready() -> bool:
                return await pipeline.still_waits_for(simulator) is None

            await until(ready)
            texts = itertools.islice((row for row in read_texts(SAMPLE) if isinstance(row, str)), COMMENTS)
            await page.add(simulator, [{"text": text} for text in texts])
            await until(settled)
            posted = await count("posted")
            listed = await parley(pipeline, "review", "list", "--json")
            waiting = [json.loads(line)["comment_id"] for line in listed]
            rejected, approved = waiting[:3], waiting[3]
            for each in rejected:
                await parley(pipeline, "review", "reject", each, "--as", "Ana")
            await parley(pipeline, "review", "approve", approved, "--as", "Ben")

            async def decided() -> bool:
                return (
                    await count("rejected") == 3 and await count("posted") == posted + 1 and await settled()
                )

            await until(decided)
            before = {name: await pool.fetch(query) for name, query in FACTS.items()}
            asked = sum(1 for _ in lines(journal))
            said = await parley(pipeline, "replay", "--from", "1h")
            assert said == [f"comments.raw: {_fed(said)} records fed in again"]
            assert _fed(said) >= COMMENTS
            await until(settled)

            assert {name: await pool.fetch(query) for name, query in FACTS.items()} == before
            assert len(before["people"]) == 4
            assert posted > 0
            assert sum(1 for _ in lines(journal)) == asked, "the replay asked something of the platform"


def _fed(said: list[str]) -> int:
    return int(said[0].split(": ")[1].split()[0])


async def parley(pipeline: Pipeline, *arguments: str) -> list[str]:
    """A command on the same servers; gives its lines."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console.main", *arguments),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().splitlines()
