"""Posters as real processes: they come and go, are killed in mid-call, and stopped past their lease."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from console.demo.pipeline import supervised
from console.supervisor import Program, Supervisor
from infra.embedded.ports import free_range
from infra.postgres import Pool
from sinks.posters import process_of

_MOST: Final = 4

_IN_MID_CALL: Final = """
select claimed_by from reply_queue
where state = 'posting' and sending_at is not null and claimed_by is not null
"""


class Posters:
    """`grow` says how many run; all end with the context."""

    def __init__(self, environment: Mapping[str, str], logs: Path, pool: Pool, seed: int) -> None:
        self._environment = {**environment, "PARLEY_METRICS_PORT": str(free_range(_MOST + 1))}
        self._logs = logs
        self._pool = pool
        self._chance = random.Random(seed)
        self._running: list[tuple[Supervisor, contextlib.AsyncExitStack]] = []
        self._unfit: set[int] = set()
        """Killed, or stopped just now."""
        self.ends: Counter[str] = Counter()
        self.final: list[str] = []
        self.kills = self.stops = self.most = 0

    async def __aenter__(self) -> "Posters":
        """Nothing runs yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops all."""
        await self.grow(0)

    async def grow(self, count: int) -> None:
        """Starts or stops (SIGTERM) posters until so many run."""
        self.most = max(self.most, count)
        while len(self._running) < count:
            number = len(self._running)
            program = Program(
                name=f"poster-{number}",
                arguments=("worker", "post", "--instance-id", str(number), "--ordinal", str(number)),
                environment=self._environment,
            )
            stack = contextlib.AsyncExitStack()
            supervisor = Supervisor([program], log_dir=self._logs, stop_within=30, failed=self._ended)
            await stack.enter_async_context(supervised(supervisor))
            self._running.append((supervisor, stack))
        while len(self._running) > count:
            await self._running.pop()[1].aclose()

    async def kill(self) -> None:
        """SIGKILL to a poster that is in the middle of a call; waits for such a one."""
        pid = await self._in_mid_call()
        self._unfit.add(pid)  # its rows and its place in the table of processes outlive it for a while
        os.kill(pid, signal.SIGKILL)
        self.kills += 1

    async def stop_and_continue(self, seconds: float) -> None:
        """SIGSTOP to a poster in the middle of a call, SIGCONT so many seconds later."""
        pid = await self._in_mid_call()
        self._unfit.add(pid)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
        self._unfit.discard(pid)
        self.stops += 1

    async def _in_mid_call(self) -> int:
        while True:
            rows = await self._pool.fetch(_IN_MID_CALL)
            calling = {process_of(str(row["claimed_by"])) for row in rows}
            ours = {pid for supervisor, _ in self._running for pid in supervisor.pids().values()}
            if found := sorted((calling & ours) - self._unfit):
                return self._chance.choice(found)
            await asyncio.sleep(0.02)

    def _ended(self, name: str, code: int, words: str) -> None:
        self.ends[signal.Signals(-code).name if code < 0 else f"exit {code}"] += 1
        if code in (70, 78):
            self.final.append(f"{name} ended for good ({code}): {words}")
