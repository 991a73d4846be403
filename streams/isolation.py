"""Finding the records of a batch that cannot be processed, by halving it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from schemas.errors import ConfigurationError, EnvironmentFault, StageHalted

T = TypeVar("T")
R = TypeVar("R")

ENDS_PROCESS = (ConfigurationError, EnvironmentFault, StageHalted, MemoryError)
"""Errors that say nothing about a record; they pass through."""


async def isolate(
    items: Sequence[T],
    process: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
    poisoned: Callable[[T, Exception], R],
) -> list[R]:
    """One result for each item, in order; an item that fails when alone becomes `poisoned(item, error)`.

    `process` takes a part of the items and gives one result for each, or raises; it may be called again
    with parts of what it was called with before. A part that succeeded is not called again. With k poisonous
    items of n, at most 2k·(log2 n + 1) + 1 calls are made. `poisoned` is called in the items' order.
    Raises what `poisoned` raises, `ENDS_PROCESS` errors, and TypeError if `process` gives another number of
    results than it got items.
    """
    if not items:
        return []
    try:
        results: Any = await process(items)
    except ENDS_PROCESS:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, some record's content brings it about
        if len(items) == 1:
            return [poisoned(items[0], error)]
        middle = len(items) // 2
        first = await isolate(items[:middle], process, poisoned)
        return first + await isolate(items[middle:], process, poisoned)
    if len(results) != len(items):
        raise TypeError(
            f"the stage gave {len(results)} results for {len(items)} records; one for each is needed"
        )
    return list(results)
