"""Calls to platforms that are under way, and what became of those that ended."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from connectors.platform import PlatformClient
from infra.tracing import OFF, Tracing
from schemas.headers import TRACEPARENT
from sinks.attempt import Ours, Verdict, attempt, look_up
from sinks.leases import Place

SPAN: Final = "reply"
"""Name of the span of one attempt to post, in the trace of the comment."""

NOT_OURS: Final = "stopped just before it was sent: the account passed to another poster"
STOPPED: Final = "stopped just before it was sent: the account, the comment or its thread has changed"

_PATIENCE: Final = 2.0
"""Seconds that a reply waits for the one worth more to leave first, should reading hold that up."""

_GAP: Final = 0.25
"""Most seconds that it then waits for the answer to that one, so that they also arrive in this order."""

FRESH: Final = 0.5
"""Seconds of waiting after which Postgres is looked at again: a pause or an echo may have come meanwhile."""


class _Turn:
    """Of one attempt in the line of its account: whether its reply has left, and whether it has ended."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.ended = asyncio.Event()

    def end(self) -> None:
        self.left.set()
        self.ended.set()

    async def over(self, gap: float) -> None:
        for event, seconds in ((self.left, _PATIENCE), (self.ended, gap)):
            if not event.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await event.wait()


MaySend = Callable[[Any], Awaitable[bool]]
StillOurs = Callable[[Place, int], bool]


class Calls:
    """Attempts and look-ups as tasks.

    `limit`: seconds of the one call that sends. `gate`: the last look at Postgres before it. `still_ours`:
    the last look at the clocks, whether the lease of that epoch lasts for the call.
    """

    def __init__(self, *, limit: float, gate: MaySend, still_ours: StillOurs, tracing: Tracing = OFF) -> None:
        self.ended: list[Verdict] = []
        """Verdicts that were not written yet; whoever writes them takes them out."""
        self.on_end: Callable[[], None] = lambda: None
        self._limit = limit
        self._gate = gate
        self._still_ours = still_ours
        self._tracing = tracing
        self._tasks: dict[asyncio.Task[None], Any] = {}
        self._sending: set[Any] = set()
        self._busy: Counter[tuple[str, str, str]] = Counter()
        self._last: dict[Place, _Turn] = {}

    def __bool__(self) -> bool:
        return bool(self._tasks)

    @property
    def busy(self) -> set[Place]:
        """Accounts with calls under way."""
        return {(platform, account) for (_, platform, account), count in self._busy.items() if count}

    def attempts(self, platform: str, account_id: str) -> int:
        """How many attempts of an account are under way."""
        return self._busy["attempt", platform, account_id]

    def look_ups(self, platform: str, account_id: str) -> int:
        """How many look-ups of an account are under way."""
        return self._busy["look", platform, account_id]

    def post(self, row: Any, client: PlatformClient, ours: Ours, *, every: float) -> None:
        """Starts an attempt; the account's replies leave in the order in which they are given here.

        `every`: seconds between two replies by the account's budget, which the order costs nothing of.
        """
        place = (row["platform"], row["account_id"])
        before, turn = self._last.get(place), _Turn()
        self._last[place] = turn
        self._start("attempt", row, self._attempt(row, client, ours, before, turn, min(_GAP, every / 2)))

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
        self,
        row: Any,
        client: PlatformClient,
        ours: Ours,
        before: _Turn | None,
        turn: _Turn,
        gap: float,
    ) -> Verdict | None:
        async def may_send() -> str:
            if not await self._gate(row):
                return STOPPED
            passed = time.monotonic()
            if before is not None:
                await before.over(gap)
            if time.monotonic() - passed > FRESH and not await self._gate(row):
                return STOPPED
            if not self._still_ours((row["platform"], row["account_id"]), row["lease_epoch"]):
                return NOT_OURS
            self._sending.add(row["decision_id"])
            turn.left.set()
            return ""

        parent = {TRACEPARENT: row["traceparent"].encode()} if row["traceparent"] else None
        try:
            with self._tracing.span(SPAN, parent):
                return await attempt(row, client, ours, may_send=may_send, limit=self._limit)
        except asyncio.CancelledError:
            if row["decision_id"] in self._sending:
                return None  # it stays `posting` until its lease is over, and is then looked up
            return Verdict(row=row, state="queued", reason="stopped before it was sent", unused=True)
        finally:
            turn.end()
            self._sending.discard(row["decision_id"])


async def _find(row: Any, client: PlatformClient, ours: Ours) -> Verdict | None:
    try:
        return await look_up(row, client, ours)
    except asyncio.CancelledError:
        return None
