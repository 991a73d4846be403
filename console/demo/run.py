"""One run of the demo: servers, simulator and workers up, comments in, the view kept, everything down."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from connectors.journal import Counting, lines
from console import replay
from console.demo import report
from console.demo.pipeline import Pipeline, supervised
from console.demo.snapshot import Reader, Snapshot
from console.servers import Servers
from console.supervisor import FINAL_CODES, Supervisor
from console.texts import BadRow
from infra import postgres
from infra.lag import open_lag_reader
from infra.settings import Settings
from schemas import headers, topics
from schemas.errors import EnvironmentFault, TransientError

START_WITHIN: Final = 90.0
"""Seconds until webhooks must be answered and every stage must have its partitions."""
STUCK_AFTER: Final = 120.0
"""Seconds without any change after which the demo stops waiting and reports what it has."""
_AT_ONCE: Final = 200
_BACKLOG: Final = 2000
"""Comments that may wait at the simulator for delivery; more would only fill its memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. `rate` in comments a second, None for as fast as they are taken; `scale` against life."""

    texts: Callable[[], Iterator[str | BadRow]]
    total: int | None
    rate: float | None
    duration: float | None
    scale: float
    replay: bool


class Demo:
    """A run in progress; `run` gives the report, `draw` gets a snapshot twice a second."""

    def __init__(
        self, settings: Settings, servers: Servers, plan: Plan, draw: Callable[[Snapshot], None]
    ) -> None:
        self._plan = plan
        self._servers = servers
        self._draw = draw
        self._pipeline = Pipeline(settings, servers, scale=plan.scale)
        self._folder = settings.state_dir / "run"
        self._began = datetime.now(UTC)
        self._clock = time.monotonic()
        self._fed = 0
        self._skipped: Counter[str] = Counter()
        self._troubles: list[str] = []
        self._halted = False
        self._snapshot = Snapshot(total=plan.total)

    async def run(self) -> report.Report:
        """The whole run; raises EnvironmentFault if something does not come up in time."""
        self._folder.mkdir(parents=True, exist_ok=True)
        journal = self._folder / f"facebook-{self._began:%Y%m%dT%H%M%S}.jsonl"
        await self._pipeline.set_up()
        supervisor = Supervisor(
            self._pipeline.programs(journal),
            log_dir=self._folder,
            keep_open=self._servers.kept_open,
            stop_within=15,
            failed=self._child_failed,
        )
        async with (
            supervised(supervisor),
            postgres.open_pool(self._servers.database, size=2) as pool,
            open_lag_reader(self._servers.kafka) as lag,
            httpx.AsyncClient(base_url=self._pipeline.url, timeout=30, trust_env=False) as simulator,
        ):
            reader = Reader(pool, lag, self._pipeline.page.page_id, self._began)
            counting = Counting(journal)
            await self._ready(simulator)
            self._clock = time.monotonic()
            feeding = asyncio.create_task(self._feed(simulator))
            try:
                await self._watch(reader, counting, feeding)
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            made = report.make(
                counting.update(),
                await reader.states(),
                scale=self._pipeline.scale,
                stages=await reader.stages(),
                dead_letters=await reader.dead_letters(),
                worker_restarts=supervisor.restarts,
                skipped_rows=self._skipped,
            )
            if self._plan.replay:
                made = replace(made, replay=await self._replay(reader, journal, pool))
            return made

    async def _ready(self, simulator: httpx.AsyncClient) -> None:
        """Returns when the simulator and the webhook endpoint answer and every stage has read to its end."""
        deadline = time.monotonic() + START_WITHIN
        waiting = "the simulator"
        while time.monotonic() < deadline and not self._halted:
            found = await self._pipeline.still_waits_for(simulator)
            if found is None:
                return
            waiting = found
            self._snapshot = replace(
                self._snapshot, troubles=(f"waiting for {waiting}", *self._troubles[-3:])
            )
            self._draw(self._snapshot)
            await asyncio.sleep(0.2)
        raise EnvironmentFault(
            f"The demo waited for {waiting} in vain. The logs are in {self._folder}.\n"
            + "\n".join(self._troubles[-3:])
        )

    async def _feed(self, simulator: httpx.AsyncClient) -> None:
        """People comment, at the rate, until the texts or the time run out."""
        began, plan = time.monotonic(), self._plan
        waiting: list[dict[str, str]] = []
        for text in plan.texts():
            now = time.monotonic() - began
            if plan.duration is not None and now >= plan.duration:
                break
            if isinstance(text, BadRow):
                self._skipped[text.reason] += 1
                continue
            waiting.append({"text": text})
            if plan.rate is not None:
                due = (self._fed + len(waiting)) / plan.rate
                if due > now:
                    await self._send(simulator, waiting)
                    waiting = []
                    await asyncio.sleep(due - now)
            elif len(waiting) >= _AT_ONCE:
                await self._send(simulator, waiting)
                waiting = []
                while (await simulator.get("/sim/state")).json()["pending"] > _BACKLOG:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        await self._send(simulator, waiting)

    async def _send(self, simulator: httpx.AsyncClient, comments: list[dict[str, str]]) -> None:
        if comments:
            await self._pipeline.add_comments(simulator, comments)
            self._fed += len(comments)

    async def _watch(self, reader: Reader, counting: Counting, feeding: asyncio.Task[None]) -> None:
        """Draws until everything that was fed is settled, or nothing has moved for too long."""
        moved, before = time.monotonic(), None
        while True:
            tally = counting.update()
            try:
                outcomes = await reader.outcomes()
            except (TransientError, *postgres.AWAY) as error:  # the view waits, like every stage
                self._snapshot = replace(self._snapshot, troubles=(f"the view waits: {error}",))
                self._draw(self._snapshot)
                await asyncio.sleep(0.5)
                continue
            sentiments, intents = await reader.labels()
            self._snapshot = Snapshot(
                elapsed=time.monotonic() - self._clock,
                fed=self._fed,
                total=self._plan.total,
                outcomes=outcomes,
                sentiments=sentiments,
                intents=intents,
                stages=await reader.stages(),
                recent=await reader.recent(),
                dead_letters=await reader.dead_letters(),
                troubles=tuple(self._troubles),
            )
            self._draw(self._snapshot)
            if feeding.done():
                feeding.result()
                told = len(tally.accepted) + len(tally.given_up)
                behind = sum(stage.lag for stage in self._snapshot.stages)
                settled = self._snapshot.stored >= len(tally.accepted) and not self._snapshot.unsettled
                if told >= self._fed and settled and not behind:
                    return
            now = (self._fed, len(tally.accepted), tuple(outcomes.items()))
            if now != before:
                moved, before = time.monotonic(), now
            elif self._halted or time.monotonic() - moved > STUCK_AFTER:
                self._troubles.append(f"nothing moves any more; the logs are in {self._folder}")
                return
            await asyncio.sleep(0.5)

    async def _replay(self, reader: Reader, journal: Path, pool: postgres.Pool) -> dict[str, object]:
        """Feeds all of `comments.raw` in again; gives what changed: rows by table, lines in the journal."""
        rows, journaled = await _row_counts(pool), sum(1 for _ in lines(journal))
        fed, _ = await replay.feed_again(
            self._servers.kafka, topics.COMMENTS_RAW, None, None, headers.REPLAY_MARK
        )
        quiet = 0
        while quiet < 4:  # two seconds without lag: nothing of it is under way any more
            await asyncio.sleep(0.5)
            quiet = quiet + 1 if not sum(stage.lag for stage in await reader.stages()) else 0
        after = await _row_counts(pool)
        changed = {table: [rows[table], count] for table, count in after.items() if count != rows[table]}
        requests = sum(1 for _ in lines(journal)) - journaled
        return {"fed_again": fed, "rows_changed": changed, "requests_to_simulator": requests}

    def _child_failed(self, name: str, code: int, words: str) -> None:
        self._troubles.append(f"{name} ended with exit code {code}: {words[-300:]}")
        self._halted = self._halted or code in FINAL_CODES


_TABLES: Final = (
    "comments", "comment_revisions", "analyses", "generated_responses", "decisions", "review_items",
    "reply_queue", "reply_attempts", "reply_outcomes", "observed_replies", "dead_letters",
)  # fmt: skip


async def _row_counts(pool: postgres.Pool) -> dict[str, int]:
    return {table: await pool.fetchval(f"select count(*) from {table}") for table in _TABLES}  # noqa: S608
