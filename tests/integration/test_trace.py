"""One comment's trace, from its webhook to its posted reply, through the processes of `parley up`."""

from pathlib import Path

import httpx
import pytest

from console.demo.pipeline import Pipeline, supervised
from console.demo.platforms import WITHOUT_MODEL
from console.supervisor import Supervisor
from infra import postgres
from infra.settings import load
from tests.chaos.servers import servers
from tests.integration.test_replay import until
from tests.integration.test_runner import collector

WAY = ["webhook facebook", "enrich", "draft", "decide", "reply"]
"""Spans of a comment that the policy answers by itself, each the parent of the next."""


@pytest.mark.integration
async def test_a_comments_trace_shows_its_webhook_every_stage_and_its_reply(tmp_path: Path) -> None:
    async with servers(tmp_path / "state") as running, collector() as (endpoint, spans):
        loaded = load(state_dir=tmp_path / "state")
        told = {**WITHOUT_MODEL, "PARLEY_OTLP_ENDPOINT": endpoint}
        pipeline = Pipeline(loaded, running.addresses, scale=500, environment=told)
        await pipeline.set_up()
        page = pipeline.accounts[0]
        supervisor = Supervisor(pipeline.programs(tmp_path), log_dir=tmp_path, stop_within=30)
        async with (
            supervised(supervisor),
            postgres.open_pool(running.addresses.database, size=1) as pool,
            httpx.AsyncClient(timeout=60, trust_env=False) as simulator,
        ):

            async def ready() -> bool:
                return await pipeline.still_waits_for(simulator) is None

            async def posted() -> bool:
                found = await pool.fetchval("select count(*) from comments where state = 'posted'")
                return bool(found)

            await until(ready)
            await page.add(simulator, [{"text": "¡Me encanta vuestro café, gracias!"}])
            await until(posted)
    # The processes have ended by now, and sent what they had.
    [reply] = [span for span in spans if span.name == "reply"]
    trace = {span.span_id: span for span in spans if span.trace_id == reply.trace_id}
    names = {span.name for span in trace.values()}
    assert names >= {*WAY, "post", "postgres"}, names
    assert [span.name for span in trace.values() if span.parent_span_id not in trace] == ["webhook facebook"]
    way: list[str] = []
    span = reply
    while span.parent_span_id in trace:
        way.append(span.name)
        span = trace[span.parent_span_id]
    assert [*way, span.name] == WAY[::-1]
