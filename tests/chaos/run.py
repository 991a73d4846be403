"""One chaos run: the real pipeline under load, faults by the scenario, and the proofs afterwards."""

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from connectors.journal import Counting
from console.demo.command import SAMPLE
from console.demo.pipeline import Pipeline, supervised
from console.demo.platforms import WITHOUT_MODEL
from console.supervisor import Program, Supervisor
from console.texts import read_texts
from infra import postgres
from infra.lag import open_lag_reader
from infra.settings import Settings, load
from schemas.errors import EnvironmentFault, TransientError
from schemas.states import OPEN_MACHINE, OPEN_POSTING
from tests.chaos import proof
from tests.chaos.poison import Poisoner
from tests.chaos.scenario import HELD_BACK, Fault, Kind, Scenario
from tests.chaos.servers import servers

_AT_ONCE: Final = 100
_START_WITHIN: Final = 120.0
_STUCK_AFTER: Final = 420.0
"""Seconds without any change after which the run ends: longer than any lease or backoff."""
_UNDECIDED: Final = tuple(state.value for state in OPEN_MACHINE)
_MOVING: Final = (*_UNDECIDED, *(state.value for state in OPEN_POSTING))
_SETTLED: Final = """
select count(*) filter (where not state = any ($2)) as decided,
    count(*) filter (where not state = any ($3)) as settled,
    count(*) filter (where state = 'posted') as posted
from comments where account_id = $1
"""


@dataclass(slots=True)
class Progress:
    """What a watcher may show."""

    total: int
    fed: int = 0
    decided: int = 0
    settled: int = 0
    doing: str = "starting"
    faults: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Struck:
    """A fault as it happened; times are monotonic."""

    kind: Kind
    process: str
    began: float
    ended: float


class Chaos:
    """See the module's docstring; `run` gives the findings as one JSON object."""

    def __init__(
        self, scenario: Scenario, seed: int, folder: Path, draw: Callable[[Progress], None] = lambda _: None
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        self._folder = folder
        self._draw = draw
        self._progress = Progress(scenario.comments)
        self._struck: list[Struck] = []
        self._ends: Counter[str] = Counter()
        self._final: list[str] = []
        self._decided: list[tuple[float, int]] = []
        self._posted: list[tuple[float, int]] = []
        self._broker_up = asyncio.Event()
        self._calm = asyncio.Event()

    async def run(self) -> dict[str, Any]:
        """The whole run, servers included."""
        began, loads = time.monotonic(), [os.getloadavg()[0]]
        async with servers(self._folder / "state") as breakable:
            self._breakable = breakable
            settings = load(state_dir=self._folder / "state")
            self._pipeline = Pipeline(
                settings,
                breakable.addresses,
                scale=self._scenario.scale,
                environment={**WITHOUT_MODEL, **dict(self._scenario.settings)},
            )
            self._page = self._pipeline.accounts[0]
            self._logs = self._folder / "logs"
            self._logs.mkdir(parents=True, exist_ok=True)
            await self._pipeline.set_up()
            self._broker_up.set()
            found = await self._with_processes(settings)
        loads.append(os.getloadavg()[0])
        return {
            "seed": self._seed,
            "scale": self._pipeline.scale,
            "settings": dict(self._scenario.settings),
            "load": [round(each, 1) for each in loads],
            "seconds": round(time.monotonic() - began, 1),
            **found,
        }

    async def _with_processes(self, settings: Settings) -> dict[str, Any]:
        self._supervisor = Supervisor(
            self._pipeline.programs(self._folder),
            log_dir=self._logs,
            stop_within=30,
            failed=self._ended,
        )
        self._counting = Counting(self._page.journal(self._folder))
        database = self._breakable.addresses.database
        async with (
            supervised(self._supervisor),
            postgres.open_pool(database, size=2) as pool,
            httpx.AsyncClient(timeout=60, trust_env=False) as simulator,
            _producer(self._breakable.addresses.kafka) as producer,
        ):
            self._pool, self._poisoner = pool, Poisoner(producer)
            await self._ready(simulator)
            watching = asyncio.create_task(self._watch())
            feeding = asyncio.create_task(self._feed(simulator))
            breaking = asyncio.create_task(self._break())
            try:
                stuck = await self._until_settled(feeding, breaking)
            finally:
                for task in (watching, feeding, breaking):
                    task.cancel()
                await asyncio.gather(watching, feeding, breaking, return_exceptions=True)
            self._progress.doing = "counting"
            self._draw(self._progress)
            proven = await proof.prove(
                pool,
                self._breakable.addresses.kafka,
                self._counting.update(),
                self._poisoner,
                account_id=self._page.account_id,
                settings=settings,
            )
        return {**self._told(stuck), **proven}

    async def _ready(self, simulator: httpx.AsyncClient) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while waiting := await self._pipeline.still_waits_for(simulator):
            if time.monotonic() > deadline:
                raise EnvironmentFault(f"waited for {waiting} in vain; the logs are in {self._logs}")
            self._progress.doing = f"waiting for {waiting}"
            self._draw(self._progress)
            await asyncio.sleep(0.2)

    # --- load ---

    async def _feed(self, simulator: httpx.AsyncClient) -> None:
        """Keeps so many undecided, poison among them, until all are fed, the last after all faults."""
        texts, progress = _texts(), self._progress
        poisoned, early = 0, round((1 - HELD_BACK) * self._scenario.comments)
        while progress.fed < self._scenario.comments:
            room = self._scenario.waiting - (progress.fed - progress.decided)
            until = self._scenario.comments if self._calm.is_set() else early
            count = min(_AT_ONCE, until - progress.fed, room)
            if count <= 0:
                await asyncio.sleep(0.1)
                continue
            await self._page.add(simulator, [{"text": next(texts)} for _ in range(count)])
            progress.fed += count
            while poisoned < progress.fed // self._scenario.poison:
                poisoned += 1
                await self._broker_up.wait()
                await self._poisoner.add()

    async def _watch(self) -> None:
        """Keeps the figures of decided, posted and settled comments."""
        while True:
            with contextlib.suppress(TransientError, *postgres.AWAY):
                async with asyncio.timeout(10):
                    [row] = await self._pool.fetch(_SETTLED, self._page.account_id, _UNDECIDED, _MOVING)
                self._progress.decided, self._progress.settled = row["decided"], row["settled"]
                self._decided.append((time.monotonic(), row["decided"]))
                self._posted.append((time.monotonic(), row["posted"]))
            self._draw(self._progress)
            await asyncio.sleep(0.5)

    async def _until_settled(self, *tasks: asyncio.Task[None]) -> bool:
        """Returns when all is fed, broken and settled; True if nothing moves any more before that."""
        moved, before = time.monotonic(), None
        while True:
            await asyncio.sleep(1)
            for task in tasks:
                if task.done():
                    task.result()
            now = (self._progress.fed, self._progress.decided, self._progress.settled, len(self._struck))
            if now != before:
                moved, before = time.monotonic(), now
            if time.monotonic() - moved > _STUCK_AFTER:
                return True
            if all(task.done() for task in tasks) and await self._quiet():
                return False

    async def _quiet(self) -> bool:
        """Everything accepted is settled, and every group has read its topics to the end."""
        tally = self._counting.update()
        if len(tally.accepted) + len(tally.given_up) < self._scenario.comments:
            return False
        if self._progress.settled < len(tally.accepted):
            return False
        async with open_lag_reader(self._breakable.addresses.kafka) as lag:
            return not await proof.total_lag(lag)

    # --- faults ---

    async def _break(self) -> None:
        for fault in self._scenario.faults(self._seed):
            while self._progress.decided < fault.decided:
                await asyncio.sleep(0.1)
            began = time.monotonic()
            self._progress.doing = f"{fault.kind} {fault.process}"
            process = await self._strike(fault)
            self._struck.append(Struck(fault.kind, process, began, time.monotonic()))
            self._progress.faults[fault.kind] += 1
            self._progress.doing = "running"
        self._calm.set()

    async def _strike(self, fault: Fault) -> str:
        match fault.kind:
            case Kind.KILL:
                return await self._signal(fault.process, signal.SIGKILL)
            case Kind.RESTART:
                return await self._signal(fault.process, signal.SIGTERM)
            case Kind.SLOW_REBALANCE:
                await self._slow_rebalance(fault)
            case Kind.BROKER_AWAY:
                self._broker_up.clear()
                await self._away(self._breakable.kafka, fault)
                self._broker_up.set()
            case Kind.DATABASE_AWAY:
                await self._away(self._breakable.postgres, fault)
        return fault.process

    async def _signal(self, name: str, number: signal.Signals) -> str:
        """Signals this process; waits while it is down, so that every signal counts."""
        while True:
            pid = self._supervisor.pids().get(name)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                    return name
            await asyncio.sleep(0.05)

    async def _away(self, server: Any, fault: Fault) -> None:
        """The server is stopped for so long; in the middle of it a process is killed."""
        await server.stop()
        await asyncio.sleep(fault.seconds / 2)
        began = time.monotonic()
        await self._signal(fault.process, signal.SIGKILL)
        self._struck.append(Struck(Kind.KILL, fault.process, began, began))
        self._progress.faults[Kind.KILL] += 1
        await asyncio.sleep(fault.seconds / 2)
        await server.start(again=True)

    async def _slow_rebalance(self, fault: Fault) -> None:
        """The stage's process stands still in the middle of its work while another joins, then goes on."""
        stages = fault.process.split("-")
        second = Supervisor(
            [
                Program(
                    name=f"{fault.process}-second",
                    arguments=("worker", *stages, "--instance-id", "1", "--ordinal", "0"),
                    environment=self._pipeline.environment | {"PARLEY_METRICS_PORT": "0"},
                )
            ],
            log_dir=self._logs,
            stop_within=30,
            failed=self._ended,
        )
        await self._signal(fault.process, signal.SIGSTOP)
        async with supervised(second):
            await asyncio.sleep(fault.seconds)
            await self._signal(fault.process, signal.SIGCONT)
            await asyncio.sleep(fault.seconds)

    def _ended(self, name: str, code: int, words: str) -> None:
        self._ends[f"{name}: {_code(code)}"] += 1
        if code in (70, 78):
            self._final.append(f"{name} ended for good ({code}): {words}")

    # --- figures ---

    def _told(self, stuck: bool) -> dict[str, Any]:
        last = max((each.ended for each in self._struck), default=0.0)
        first = min((each.began for each in self._struck), default=0.0)
        return {
            "faults": dict(Counter(each.kind.value for each in self._struck)),
            "process_ends": dict(sorted(self._ends.items())),
            "ended_for_good": self._final,
            "nothing_moved_any_more": stuck,
            "rate": {
                "decided": proof.rates(self._decided, first, last),
                "posted": proof.rates(self._posted, first, last),
            },
        }


def sized(scenario: Scenario, comments: int) -> Scenario:
    """The same scenario over another number of comments."""
    share = comments / scenario.comments
    return replace(scenario, comments=comments, waiting=max(200, round(scenario.waiting * share)))


def _code(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def _texts() -> Iterator[str]:
    rows = (read_texts(SAMPLE) for _ in itertools.count())
    return (row for row in itertools.chain.from_iterable(rows) if isinstance(row, str))


@contextlib.asynccontextmanager
async def _producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=300_000
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
