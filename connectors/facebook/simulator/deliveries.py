"""Sends notices as signed webhooks, in batches when many wait, again and again until they are accepted.

Source: "Webhooks - Get Started": non-ASCII text is escaped on the wire and the escaped bytes are signed;
anything but 2xx is retried at once, then ever more rarely over 36 hours; no order is promised.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from connectors.facebook.signing import HEADER, signature
from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.faults import Faults
from connectors.facebook.simulator.happenings import Notice
from connectors.facebook.simulator.sender import Sender
from connectors.journal import Journal

RETRY_AFTER: Final = (0, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 43_200)
"""Seconds before each further attempt, 34 hours in all; the exact times are not documented."""

HELD: Final = 5
"""Seconds for which a reordered notice waits for a later one to overtake it."""

_MARKUP: Final = (("<", "\\u003C"), ("%", "\\u0025"), ("@", "\\u0040"))


@dataclass(slots=True)
class _Delivery:
    number: int
    body: bytes
    changes: list[tuple[str, str, bool]]


class Deliveries:
    """`offer` takes a notice; `start` and `stop` run the senders."""

    def __init__(self, config: SimulatorConfig, faults: Faults, journal: Journal) -> None:
        self._config = config
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
        entries: list[dict[str, Any]] = []
        for at, notices in itertools.groupby(batch, key=lambda notice: notice.at):
            changes = [{"field": "feed", "value": notice.value} for notice in notices]
            entries.append({"id": self._config.page_id, "time": at, "changes": changes})
        text = json.dumps({"object": "page", "entry": entries}, separators=(",", ":")).replace("/", "\\/")
        if self._config.escape_markup:
            for plain, escaped in _MARKUP:
                text = text.replace(plain, escaped)
        named = [(notice.value["verb"], notice.value["comment_id"], notice.own) for notice in batch]
        return _Delivery(next(self._numbers), text.encode("ascii"), named)

    async def _deliver(self, delivery: _Delivery) -> None:
        """One delivery to its end; holds a slot on entry, and again for each attempt."""
        try:
            if self._faults.strikes("drop_delivery"):
                self._note("given_up", delivery, 0, "dropped", fault="drop_delivery")
                return
            for attempt, wait in enumerate((None, *RETRY_AFTER), 1):
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
            self._note("given_up", delivery, len(RETRY_AFTER) + 1, "given_up")
        finally:
            self._slots.release()
            self._open -= len(delivery.changes)
            self._note_idle()

    async def _attempt(self, delivery: _Delivery, attempt: int, fault: str | None = None) -> bool:
        headers, wrong = self._signed(delivery.body)
        status = await self._sender.post(self.callback_url or "", delivery.body, headers)
        accepted = status is not None and 200 <= status < 300
        effect = "accepted" if accepted else "refused" if status is not None else "no_answer"
        self._note("delivery", delivery, attempt, effect, status=status, fault=wrong or fault)
        return accepted

    def _signed(self, body: bytes) -> tuple[dict[str, str], str | None]:
        headers = {"Content-Type": "application/json", HEADER: signature(self._config.app_secret, body)}
        if self._faults.strikes("bad_signature"):
            headers[HEADER] = signature("not-the-secret", body)
            return headers, "bad_signature"
        if self._faults.strikes("missing_signature"):
            del headers[HEADER]
            return headers, "missing_signature"
        if self._faults.strikes("decoded_signature"):
            decoded = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
            headers[HEADER] = signature(self._config.app_secret, decoded)
            return headers, "decoded_signature"
        return headers, None

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
