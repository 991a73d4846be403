"""Calls to platforms that are under way, and what became of those that ended."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from connectors.platform import PlatformClient
from sinks.attempt import Ours, Verdict, attempt, look_up


class Calls:
    """Attempts and look-ups as tasks. `timeout`: seconds of one call; `monotonic`: a clock in seconds."""

    def __init__(self, *, timeout: float, monotonic: Callable[[], float]) -> None:
        self.ended: list[Verdict] = []
        """Verdicts that were not written yet; whoever writes them takes them out."""
        self.on_end: Callable[[], None] = lambda: None
        self._timeout = timeout
        self._monotonic = monotonic
        self._tasks: dict[asyncio.Task[None], Any] = {}
        self._sending: set[Any] = set()
        self._busy: Counter[tuple[str, str, str]] = Counter()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def attempts(self, platform: str, account_id: str) -> int:
        """How many attempts of an account are under way."""
        return self._busy["attempt", platform, account_id]

    def look_ups(self, platform: str, account_id: str) -> int:
        """How many look-ups of an account are under way."""
        return self._busy["look", platform, account_id]

    def post(self, row: Any, client: PlatformClient, ours: Ours, *, claimed_at: float) -> None:
        """Starts an attempt; `claimed_at` by the monotonic clock."""
        self._start("attempt", row, self._attempt(row, client, ours, claimed_at))

    def look(self, row: Any, client: PlatformClient, ours: Ours) -> None:
        """Starts a look-up."""
        self._start("look", row, _find(row, client, ours))

    async def join(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Cancels what has not reached the call that sends; the rest is left to end."""
        for task, decision in self._tasks.items():
            if decision not in self._sending:
                task.cancel()

    def _start(self, kind: str, row: Any, work: Coroutine[Any, Any, Verdict | None]) -> None:
        place = (kind, row["platform"], row["account_id"])
        self._busy[place] += 1

        async def finish() -> None:
            try:
                verdict = await work
                if verdict is not None:
                    self.ended.append(verdict)
            finally:
                self._busy[place] -= 1
                self.on_end()

        task = asyncio.create_task(finish())
        self._tasks[task] = row["decision_id"]
        task.add_done_callback(self._tasks.pop)

    async def _attempt(
        self, row: Any, client: PlatformClient, ours: Ours, claimed_at: float
    ) -> Verdict | None:
        def may_send() -> bool:
            # Reading takes two timeouts at most and the call one and a half: all within the lease.
            if self._monotonic() - claimed_at > 2 * self._timeout:
                return False
            self._sending.add(row["decision_id"])
            return True

        try:
            return await attempt(row, client, ours, may_send=may_send, limit=1.5 * self._timeout)
        except asyncio.CancelledError:
            if row["decision_id"] in self._sending:
                return None  # it stays `posting` until its lease is over, and is then looked up
            return Verdict(row=row, state="queued", reason="stopped before it was sent", unused=True)
        finally:
            self._sending.discard(row["decision_id"])


async def _find(row: Any, client: PlatformClient, ours: Ours) -> Verdict | None:
    try:
        return await look_up(row, client, ours)
    except asyncio.CancelledError:
        return None
