"""The lane of micro-batches: one batch at a time, committed when all its outputs are acknowledged."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from faust.types import TP

from infra import metrics
from schemas.errors import StageHalted
from streams.handling import Handling, Item
from streams.isolation import isolate
from streams.reading import Raw
from streams.stage import Batches, BatchProcess, Input, Result


class Offsets(Protocol):
    """What a lane needs of the consumer."""

    @property
    def positions(self) -> Mapping[TP, int]:
        """Next offset to finish, of each partition that has finished anything."""

    def finish(self, positions: Mapping[TP, int]) -> None:
        """Everything below these positions is done."""

    async def commit(self) -> bool:
        """Commits what is finished; False if the broker did not take it because the group has moved on."""


class BatchLane:
    """See the module's docstring. `take` and `quiesce` run in the same event loop."""

    def __init__(self, handling: Handling, offsets: Offsets) -> None:
        self._handling = handling
        self._offsets = offsets
        self._process = cast(BatchProcess, handling.stage.process)
        self._task: asyncio.Task[None] | None = None

    @property
    def take_up_to(self) -> tuple[int, float]:
        """(records, seconds) of one take."""
        shape = cast(Batches, self._handling.stage.shape)
        return shape.size, shape.within

    async def take(self, raws: Sequence[Raw]) -> int:
        """Works on a batch to its commit; gives how many records were finished (0: given up).

        Raises what must end the process.
        """
        task = self._task = asyncio.ensure_future(self._work(raws))
        try:
            await asyncio.wait({task})
        finally:
            self._task = None
            task.cancel()
        if task.cancelled():
            return 0
        task.result()
        return len(raws)

    async def quiesce(self, limit: float) -> None:
        """Returns when nothing is in flight; what is not finished after `limit` seconds is given up."""
        task = self._task
        if task is None:
            return
        await asyncio.wait({task}, timeout=limit)
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)

    async def _work(self, raws: Sequence[Raw]) -> None:
        handling = self._handling
        started = time.perf_counter()
        items = [handling.read(raw) for raw in raws]
        readable = [item for item in items if item.input is not None]
        with handling.tracing.records(handling.stage.name, [item.headers for item in items]) as spans:
            run = _Run(handling)
            results = await isolate(readable, self._call(run), run.poisoned)
            for item, result in zip(readable, results, strict=True):
                item.result = result
            await handling.delivery.publish(handling.settle(items, spans))
        positions = {TP(raw.topic, raw.partition): raw.offset + 1 for raw in raws}  # the last of each wins
        self._offsets.finish(positions)
        handling.count(items)
        committed = await self._offsets.commit()
        metrics.BATCH_SIZE.labels(handling.stage.name).observe(len(raws))
        metrics.BATCH_SECONDS.labels(handling.stage.name).observe(time.perf_counter() - started)
        if committed and handling.stage.acknowledged is not None:
            handling.stage.acknowledged([item.input for item in readable if item.input is not None])

    def _call(self, run: "_Run") -> Any:
        async def call(part: Sequence[Item]) -> Sequence[Result]:
            inputs: list[Input[Any]] = [item.input for item in part if item.input is not None]
            results = await self._handling.patiently(lambda: self._process(inputs))
            run.in_a_row = 0
            return results

        return call


class _Run:
    """Poisonous records of one batch; ends the halving early when all of it seems to be poison."""

    def __init__(self, handling: Handling) -> None:
        self._handling = handling
        self.in_a_row = 0

    def poisoned(self, item: Item, error: Exception) -> Result:
        item.error = error
        self.in_a_row += 1
        if self.in_a_row >= self._handling.limits.consecutive:
            raise StageHalted(
                self._handling.limits.message(f"{self.in_a_row} records in a row", error)
            ) from error
        return Result(outcome="dead_letter")
