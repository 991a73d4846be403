"""Drafting on a real broker and a real Postgres: processes die, the endpoint is away, no comment is lost."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.language_model.simulator import Simulator, SimulatorConfig
from console.bench.drafting import drafted_comments, enriched, fill
from infra import kafka, postgres
from schemas.events import DraftedReply, DraftOrigin
from schemas.topics import DEAD_LETTERS, Topic

pytestmark = [pytest.mark.integration]

WORKER = Path(__file__).parents[1] / "streams" / "drafting_worker.py"
ROOT = Path(__file__).parents[2]


class Bed:
    """Topics, a database, an endpoint and worker processes of one test."""

    def __init__(self, bootstrap: str, database: str, endpoint: str) -> None:
        run = uuid.uuid4().hex[:8]
        self.bootstrap, self.database, self.endpoint = bootstrap, database, endpoint
        self.source = Topic(name=f"enriched.{run}", schema="enriched_comment")
        self.sink = Topic(name=f"drafted.{run}", schema="drafted_reply")
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        plan = {
            "kafka": self.bootstrap,
            "database": self.database,
            "source": self.source.name,
            "sink": self.sink.name,
            "endpoint": self.endpoint,
        }
        worker = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(plan)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        self.workers.append(worker)
        return worker

    async def drafted(self) -> dict[str, list[DraftedReply]]:
        return await drafted_comments(self.bootstrap, self.sink)

    async def all_drafted(self, comments: int, within: float = 120.0) -> dict[str, list[DraftedReply]]:
        end = time.monotonic() + within
        while len(found := await self.drafted()) < comments:
            assert time.monotonic() < end, f"{len(found)} of {comments} comments have a draft"
            await asyncio.sleep(0.3)
        return found


async def until(condition: Callable[[], Any], what: str, within: float = 90.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s: {what}"
        await asyncio.sleep(0.02)


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[tuple[Simulator, str]]:
    config = SimulatorConfig(median=0.15, p99=0.6, seed=5, journal=tmp_path / "calls.jsonl")
    made = Simulator(config)
    async with made.serving() as url:
        yield made, url


@pytest.fixture
async def bed(
    kafka_bootstrap: str, database_url: str, simulator: tuple[Simulator, str]
) -> AsyncIterator[Bed]:
    made = Bed(kafka_bootstrap, database_url, simulator[1])
    await kafka.create_topics(kafka_bootstrap, [made.source, made.sink, DEAD_LETTERS])
    yield made
    for worker in made.workers:
        worker.kill()
        worker.wait()


async def store(database: str, drafts: dict[str, list[DraftedReply]]) -> None:
    """What the Postgres sink does with drafts."""
    async with postgres.open_pool(database, size=1) as pool, pool.acquire() as connection:
        for found in drafts.values():
            for each in found:
                await connection.execute(
                    "insert into generated_responses (draft_id, comment_id, revision_id, tenant_id, content, "
                    "origin, template, template_version, language, model, prompt_hash, reasons, "
                    "confidence_score, created_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14) "
                    "on conflict do nothing",
                    each.draft.draft_id,
                    each.comment.comment_id,
                    each.draft.revision_id,
                    each.comment.tenant_id,
                    each.draft.text,
                    each.draft.origin,
                    each.draft.template,
                    each.draft.template_version,
                    each.draft.language,
                    each.draft.model,
                    each.draft.prompt_hash,
                    list(each.draft.reasons),
                    each.draft.confidence,
                    each.drafted_at,
                )


@pytest.mark.chaos
async def test_after_a_kill_no_comment_lacks_a_draft_and_only_calls_in_flight_are_made_again(
    bed: Bed, simulator: tuple[Simulator, str], tmp_path: Path
) -> None:
    made, _ = simulator
    comments = 600
    await fill(bed.bootstrap, bed.source, range(comments))
    worker = bed.start()
    await until(lambda: made.state()["answered"] >= 200, "200 answers")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    await until(lambda: made.state()["in_flight"] == 0, "the calls of the dead worker have ended")
    published = await bed.drafted()
    await store(bed.database, published)  # as the sink has, by the time the worker is back
    under_way = {call.split(".")[0] for call in begun(tmp_path)} - {
        each.draft.revision_id for drafts in published.values() for each in drafts
    }
    bed.start()
    found = await bed.all_drafted(comments)
    calls = begun(tmp_path)
    again = {call for call, count in calls.items() if count > 1}
    assert set(found) == {enriched(number).comment.comment_id for number in range(comments)}
    assert len(under_way) <= 256, "the window bounds what is in flight"
    assert {call.split(".")[0] for call in again} <= under_way, "what was published is not asked for again"
    assert sum(count - 1 for count in calls.values()) == made.state()["repeated"], "and they are counted"
    assert all(len({each.draft.draft_id for each in drafts}) == 1 for drafts in found.values()), (
        "what was published keeps its draft"
    )


def begun(folder: Path) -> Counter[str]:
    """Calls that reached the endpoint, by their names."""
    lines = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    return Counter(line["call"] for line in lines if line["effect"] == "begun")


@pytest.mark.chaos
async def test_while_the_endpoint_is_down_templates_draft_and_the_model_takes_over_again_by_itself(
    bed: Bed, simulator: tuple[Simulator, str]
) -> None:
    made, _ = simulator
    bed.start()
    await fill(bed.bootstrap, bed.source, range(200))
    await bed.all_drafted(200)
    made.faults.set("down", seconds=12)  # two minutes, scaled by ten
    await fill(bed.bootstrap, bed.source, range(200, 600))
    found = await bed.all_drafted(600)
    by_template = [
        each for drafts in found.values() for each in drafts if each.draft.origin is DraftOrigin.TEMPLATE
    ]
    assert len(by_template) > 100
    assert all(
        each.draft.reasons[-1].startswith("template instead of the language model: ") for each in by_template
    )
    numbers = iter(range(600, 100_000, 20))
    origins: set[DraftOrigin] = set()
    while DraftOrigin.LANGUAGE_MODEL not in origins:
        first = next(numbers)
        assert first < 20_000, "the language model is never asked again"
        await fill(bed.bootstrap, bed.source, range(first, first + 20))
        found = await bed.all_drafted(first + 20)
        wanted = {enriched(number).comment.comment_id for number in range(first, first + 20)}
        origins = {each.draft.origin for comment in wanted for each in found[comment]}


async def test_usage_is_kept_by_account_and_a_budget_that_is_spent_leaves_templates(
    bed: Bed, pool: postgres.Pool, simulator: tuple[Simulator, str]
) -> None:
    made, _ = simulator
    bed.start(PARLEY_LANGUAGE_MODEL_MONTHLY_TOKENS="20000")
    await fill(bed.bootstrap, bed.source, range(300))
    found = await bed.all_drafted(300)
    reasons = Counter(
        drafts[0].draft.reasons[-1]
        for drafts in found.values()
        if drafts[0].draft.origin is DraftOrigin.TEMPLATE
    )
    assert reasons["template instead of the language model: budget_spent"] > 0

    async def written() -> int:
        return int(await pool.fetchval("select coalesce(sum(calls), 0) from usage") or 0)

    end = time.monotonic() + 60
    while await written() < made.state()["answered"]:
        assert time.monotonic() < end, "the usage of every answered call is written"
        await asyncio.sleep(0.1)
    row = await pool.fetchrow("select * from usage")
    assert row is not None
    assert (row["platform"], row["account_id"]) == ("facebook", "104000000000001")
    assert row["calls"] == made.state()["answered"]
