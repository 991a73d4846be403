"""The lane of a window: records in flight up to a bound, each published as it finishes."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from faust.types import TP

from infra import metrics
from streams.batch_lane import Offsets
from streams.handling import Handling, Item
from streams.isolation import ENDS_PROCESS
from streams.reading import Raw
from streams.stage import Input, OneProcess, Window
from streams.window import Prefix

COMMIT_PAUSE = 0.05
"""Seconds between two commits: the offsets of many records travel in one."""


class WindowLane:
    """Records of one key run one after another, in order; all others as slots free.

    Offsets advance over the contiguous finished prefix of each partition and are committed beside the work.
    """

    def __init__(self, handling: Handling, offsets: Offsets, fail: Callable[[BaseException], None]) -> None:
        self._handling = handling
        self._offsets = offsets
        self._fail = fail
        self._process = cast(OneProcess, handling.stage.process)
        self._slots = asyncio.Semaphore(cast(Window, handling.stage.shape).in_flight)
        self._prefix: Prefix[TP] = Prefix()
        self._last_of_key: dict[bytes | None, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished = asyncio.Event()
        self._unreported: dict[TP, deque[Input[Any]]] = {}
        self._uncounted: list[Item] = []
        self._seconds = metrics.RECORD_SECONDS.labels(handling.stage.name).observe
        self._committer: asyncio.Task[None] | None = None

    @property
    def take_up_to(self) -> tuple[int, float]:
        """(records, seconds) of one take."""
        return min(256, cast(Window, self._handling.stage.shape).in_flight), 0.05

    @property
    def in_flight(self) -> int:
        """Records taken up and not finished."""
        return len(self._tasks)

    async def start_one(self, raw: Raw, current: Callable[[], bool]) -> bool:
        """Waits for a slot and starts the record, unless `current()` has become false by then."""
        await self._slots.acquire()
        if not current():
            self._slots.release()
            return False
        if self._committer is None:
            self._committer = asyncio.ensure_future(self._commit())
        self._prefix.begin(TP(raw.topic, raw.partition), raw.offset)
        task = asyncio.ensure_future(self._one(raw, self._last_of_key.get(raw.key)))
        self._last_of_key[raw.key] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(raw, done))
        return True

    async def quiesce(self, limit: float) -> None:
        """Returns when nothing is in flight; what is not finished after `limit` seconds is given up."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=limit)
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(set(self._tasks), timeout=1.0)
        if self._committer is not None:
            self._committer.cancel()
            self._committer = None
            self._count()
        self._prefix.clear()
        self._unreported.clear()

    def _done(self, raw: Raw, task: asyncio.Task[None]) -> None:
        self._slots.release()
        self._tasks.discard(task)
        if self._last_of_key.get(raw.key) is task:
            del self._last_of_key[raw.key]
        if not task.cancelled():
            error = task.exception()
            if error is not None:
                self._fail(error)

    async def _one(self, raw: Raw, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
            if before.cancelled() or before.exception() is not None:
                raise asyncio.CancelledError  # it will come again, and this one behind it
        handling = self._handling
        started = time.perf_counter()
        item = handling.read(raw)
        with handling.tracing.records(handling.stage.name, [item.headers]) as spans:
            await self._process_one(item)
            await handling.delivery.publish(handling.settle([item], spans))
        self._seconds(time.perf_counter() - started)
        self._uncounted.append(item)
        partition = TP(raw.topic, raw.partition)
        if handling.stage.acknowledged is not None and item.input is not None:
            self._unreported.setdefault(partition, deque()).append(item.input)
        position = self._prefix.finish(partition, raw.offset)
        if position is not None:
            self._offsets.finish({partition: position})
        self._finished.set()

    async def _process_one(self, item: Item) -> None:
        found = item.input
        if found is None:
            return
        try:
            item.result = await self._handling.patiently(lambda: self._process(found))
        except ENDS_PROCESS:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this record's
            item.error = error

    async def _commit(self) -> None:
        try:
            while True:
                await self._finished.wait()
                self._finished.clear()
                self._count()
                reached = dict(self._offsets.positions) if self._unreported else {}
                if await self._offsets.commit() and reached:
                    self._report(reached)
                await asyncio.sleep(COMMIT_PAUSE)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - ends the process
            self._fail(error)

    def _count(self) -> None:
        done, self._uncounted = self._uncounted, []
        self._handling.count(done)

    def _report(self, reached: Any) -> None:
        done: list[Input[Any]] = []
        for partition, inputs in self._unreported.items():
            position = reached.get(partition, 0)
            done += [each for each in inputs if each.offset < position]
            self._unreported[partition] = deque(each for each in inputs if each.offset >= position)
        if done and self._handling.stage.acknowledged is not None:
            self._handling.stage.acknowledged(done)
