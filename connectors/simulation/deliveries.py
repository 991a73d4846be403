"""Sends notices as signed webhooks, in batches when many wait, again and again until they are accepted.

No order is promised, and what was accepted may be sent once more: every platform says so.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from connectors.journal import Journal
from connectors.simulation.config import SimulationConfig
from connectors.simulation.faults import Faults
from connectors.simulation.happenings import Notice
from connectors.simulation.sender import Sender

HELD: Final = 5
"""Seconds for which a reordered notice waits for a later one to overtake it."""

_WRONG: Final = ("bad_signature", "missing_signature", "decoded_signature")


class Wire(Protocol):
    """How a platform's deliveries look. `retry_after`: seconds before each further attempt."""

    retry_after: Sequence[float]

    def body(self, notices: Sequence[Notice]) -> bytes:
        """One delivery of these changes, byte for byte as the platform sends it."""
        ...

    def signed(self, body: bytes, *, rightly: bool = True) -> tuple[str, str]:
        """Name and value of the signature's header; with another secret where not `rightly`."""
        ...


@dataclass(slots=True)
class _Delivery:
    number: int
    body: bytes
    changes: list[tuple[str, str, bool]]


class Deliveries:
    """`offer` takes a notice; `start` and `stop` run the senders."""

    def __init__(self, config: SimulationConfig, wire: Wire, faults: Faults, journal: Journal) -> None:
        self._config = config
        self._wire = wire
        self._faults = faults
        self._journal = journal
        self._waiting: deque[Notice] = deque()
        self._held: list[Notice] = []
        self._numbers = itertools.count(1)
        self._work = asyncio.Event()
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._progress = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(config.deliveries_at_once)
        self._sender = Sender(config.delivery_timeout)
        self.callback_url = config.callback_url
        self.accepted = 0

    def offer(self, notice: Notice) -> None:
        """Queues a notice; without a callback URL nobody is subscribed and it is forgotten."""
        if self.callback_url is None:
            return
        self._idle.clear()
        if self._faults.strikes("reorder"):
            self._held.append(notice)
            asyncio.get_running_loop().call_later(HELD / self._config.scale, self._let_go)
            return
        self._waiting.append(notice)
        self._let_go()

    def _let_go(self) -> None:
        """What was held back goes now, behind what came later."""
        self._waiting.extend(self._held)
        self._held.clear()
        self._work.set()

    @property
    def pending(self) -> int:
        """Notices not yet accepted or given up."""
        return len(self._waiting) + len(self._held) + self._open

    async def settled(self) -> None:
        """Returns when every notice was accepted or given up."""
        await self._idle.wait()

    async def room(self, most: int) -> None:
        """Returns when fewer than `most` notices are pending."""
        while self.pending >= most:
            self._progress.clear()
            await self._progress.wait()

    async def start(self) -> None:
        """Begins to send."""
        self._spawn(self._send_waiting())

    async def stop(self) -> None:
        """Stops at once; what was not delivered is not."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.aclose()

    async def _send_waiting(self) -> None:
        clock = asyncio.get_running_loop().time
        earliest = 0.0
        while True:
            await self._work.wait()
            await self._slots.acquire()
            if clock() < earliest and len(self._waiting) < self._config.changes_per_delivery:
                await asyncio.sleep(earliest - clock())
            earliest = clock() + self._config.gather_seconds
            batch = [
                self._waiting.popleft()
                for _ in range(min(len(self._waiting), self._config.changes_per_delivery))
            ]
            if not self._waiting:
                self._work.clear()
            if not batch:
                self._slots.release()
                continue
            self._open += len(batch)
            self._spawn(self._deliver(self._delivery(batch)))

    def _delivery(self, batch: list[Notice]) -> _Delivery:
        named = [(notice.verb, notice.comment_id, notice.own) for notice in batch]
        return _Delivery(next(self._numbers), self._wire.body(batch), named)

    async def _deliver(self, delivery: _Delivery) -> None:
        """One delivery to its end; holds a slot on entry, and again for each attempt."""
        try:
            if self._faults.strikes("drop_delivery"):
                self._note("given_up", delivery, 0, "dropped", fault="drop_delivery")
                return
            for attempt, wait in enumerate((None, *self._wire.retry_after), 1):
                if wait is not None:
                    self._slots.release()
                    try:
                        await asyncio.sleep(wait / self._config.scale)
                    finally:
                        await self._slots.acquire()
                if await self._attempt(delivery, attempt):
                    self.accepted += len(delivery.changes)
                    if self._faults.strikes("duplicate_delivery"):
                        await self._attempt(delivery, attempt + 1, fault="duplicate_delivery")
                    return
            self._note("given_up", delivery, len(self._wire.retry_after) + 1, "given_up")
        finally:
            self._slots.release()
            self._open -= len(delivery.changes)
            self._note_idle()

    async def _attempt(self, delivery: _Delivery, attempt: int, fault: str | None = None) -> bool:
        headers, wrong = self._signed(delivery.body, is_first=attempt == 1)
        status = await self._sender.post(self.callback_url or "", delivery.body, headers)
        accepted = status is not None and 200 <= status < 300
        effect = "accepted" if accepted else "refused" if status is not None else "no_answer"
        self._note("delivery", delivery, attempt, effect, status=status, fault=wrong or fault)
        return accepted

    def _signed(self, body: bytes, *, is_first: bool) -> tuple[dict[str, str], str | None]:
        """Headers of an attempt, and the fault that they show.

        Only the first is ever signed wrongly: were each attempt to meet the faults anew, likely ones would
        use up all attempts of a delivery now and then, and lose what no platform loses.
        """
        headers = {"Content-Type": "application/json"}
        fault = next((name for name in _WRONG if is_first and self._faults.strikes(name)), None)
        if fault == "missing_signature":
            return headers, fault
        if fault == "decoded_signature":
            body = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
        name, signature = self._wire.signed(body, rightly=fault != "bad_signature")
        return {**headers, name: signature}, fault

    def _note(self, kind: str, delivery: _Delivery, attempt: int, effect: str, **more: Any) -> None:
        self._journal.write(
            kind,
            delivery=delivery.number,
            attempt=attempt,
            effect=effect,
            changes=delivery.changes,
            **{name: value for name, value in more.items() if value is not None},
        )

    def _note_idle(self) -> None:
        self._progress.set()
        if not self.pending:
            self._idle.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
