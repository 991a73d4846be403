"""One run of the demo: servers, simulators and workers up, comments in, the view kept, everything down."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import httpx

from connectors.journal import Tally
from console.demo import replaying, report
from console.demo.feed import Feed, Plan
from console.demo.journals import Journals
from console.demo.pipeline import Pipeline, supervised
from console.demo.snapshot import Reader, Snapshot
from console.servers import Servers
from console.supervisor import FINAL_CODES, Supervisor
from infra import postgres
from infra.lag import open_lag_reader
from infra.settings import Settings
from schemas.errors import EnvironmentFault, TransientError
from schemas.events import Platform

START_WITHIN: Final = 90.0
"""Seconds until webhooks must be answered and every stage must have its partitions."""
STUCK_AFTER: Final = 120.0
"""Seconds without any change after which the demo stops waiting and reports what it has."""


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
        self._feed = Feed(self._pipeline.accounts, plan)
        self._troubles: list[str] = []
        self._halted = False
        self._snapshot = Snapshot(total=plan.total)

    async def run(self) -> report.Report:
        """The whole run; raises EnvironmentFault if something does not come up in time."""
        journal_folder = self._folder / f"journals-{self._began:%Y%m%dT%H%M%S}"
        journal_folder.mkdir(parents=True, exist_ok=True)
        await self._pipeline.set_up()
        supervisor = Supervisor(
            self._pipeline.programs(journal_folder),
            log_dir=self._folder,
            keep_open=self._servers.kept_open,
            stop_within=15,
            failed=self._child_failed,
        )
        async with (
            supervised(supervisor),
            postgres.open_pool(self._servers.database, size=2) as pool,
            open_lag_reader(self._servers.kafka) as lag,
            httpx.AsyncClient(timeout=30, trust_env=False) as http,
        ):
            reader = Reader(pool, lag, self._began)
            journals = Journals(journal_folder, self._pipeline.accounts)
            await self._ready(http)
            self._clock = time.monotonic()
            feeding = asyncio.create_task(self._feed.run(http))
            try:
                await self._watch(reader, journals, feeding)
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            made = report.make(
                journals.update(),
                await reader.states(),
                scale=self._pipeline.scale,
                drafts=await reader.drafts(),
                stages=await reader.stages(),
                dead_letters=await reader.dead_letters(),
                worker_restarts=supervisor.restarts,
                skipped_rows=self._feed.skipped,
            )
            if self._plan.replay:
                made = replace(made, replay=await replaying.feed_again(self._servers, reader, journals, pool))
            return made

    async def _ready(self, http: httpx.AsyncClient) -> None:
        """Returns when simulators and webhooks answer and every stage has read to its end."""
        deadline = time.monotonic() + START_WITHIN
        waiting = "the simulators"
        while time.monotonic() < deadline and not self._halted:
            found = await self._pipeline.still_waits_for(http)
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

    async def _watch(self, reader: Reader, journals: Journals, feeding: asyncio.Task[None]) -> None:
        """Draws until everything that was fed is settled, or nothing has moved for too long."""
        moved, before = time.monotonic(), None
        while True:
            tallies = journals.update()
            try:
                self._snapshot = await self._looked(reader)
            except (TransientError, *postgres.AWAY) as error:  # the view waits, like every stage
                self._snapshot = replace(self._snapshot, troubles=(f"the view waits: {error}",))
                self._draw(self._snapshot)
                await asyncio.sleep(0.5)
                continue
            self._draw(self._snapshot)
            accepted = sum(len(tally.accepted) for tally in tallies.values())
            if feeding.done():
                feeding.result()
                if self._all_settled(tallies, accepted):
                    return
            now = (self._fed, accepted, tuple(self._snapshot.outcomes.items()))
            if now != before:
                moved, before = time.monotonic(), now
            elif self._halted or time.monotonic() - moved > STUCK_AFTER:
                self._troubles.append(f"nothing moves any more; the logs are in {self._folder}")
                return
            await asyncio.sleep(0.5)

    async def _looked(self, reader: Reader) -> Snapshot:
        outcomes, platforms = await reader.outcomes()
        sentiments, intents = await reader.labels()
        return Snapshot(
            elapsed=time.monotonic() - self._clock,
            fed=self._fed,
            total=self._plan.total,
            outcomes=outcomes,
            platforms=platforms,
            drafts=await reader.drafts(),
            sentiments=sentiments,
            intents=intents,
            stages=await reader.stages(),
            recent=await reader.recent(),
            dead_letters=await reader.dead_letters(),
            troubles=tuple(self._troubles),
        )

    def _all_settled(self, tallies: Mapping[Platform, Tally], accepted: int) -> bool:
        """True if everything fed in was delivered or given up, is stored, and waits for nobody but people."""
        told = accepted + sum(len(tally.given_up) for tally in tallies.values())
        behind = sum(stage.lag for stage in self._snapshot.stages)
        settled = self._snapshot.stored >= accepted and not self._snapshot.unsettled
        return told >= self._fed and settled and not behind

    @property
    def _fed(self) -> int:
        return self._feed.fed.total()

    def _child_failed(self, name: str, code: int, words: str) -> None:
        self._troubles.append(f"{name} ended with exit code {code}: {words[-300:]}")
        self._halted = self._halted or code in FINAL_CODES
