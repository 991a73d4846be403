"""Calls repeated until they succeed: what the runner does about errors that will pass."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from schemas.errors import ThrottledError, TransientError
from streams.health import StageState
from streams.settings import Patience

T = TypeVar("T")

TRANSIENT = (TransientError, OSError, TimeoutError)
"""The system's own errors count as transient: no content of a record causes a refused connection."""


SLOW = 5.0
"""Seconds after which waiting for the broker shows as the stage holding its partitions."""


def pause(attempt: int, patience: Patience, error: BaseException) -> float:
    """Seconds to wait after failure number `attempt` (from 1): with jitter, never less than was asked for."""
    ceiling = min(patience.longest, patience.first * 2 ** min(attempt - 1, 30))
    asked = error.retry_after if isinstance(error, ThrottledError) else None
    return random.uniform(ceiling / 4, ceiling) + (asked or 0.0)  # noqa: S311 - jitter, not a secret


async def patiently(call: Callable[[], Awaitable[T]], patience: Patience, state: StageState) -> T:
    """The call's result, however long that takes; other errors and cancellation pass through at once.

    `state` shows the trouble while it lasts: the stage holds its partitions, heartbeats go on beside it.
    """
    attempt = 0
    try:
        while True:
            try:
                return await call()
            except TRANSIENT as error:
                attempt += 1
                state.retrying(error, degraded=attempt >= patience.degraded_after)
                await asyncio.sleep(pause(attempt, patience, error))
    finally:
        if attempt:
            state.retried()


@contextlib.contextmanager
def shown(trouble: str, state: StageState) -> Iterator[None]:
    """Lets `state` show the trouble while the block takes longer than `SLOW`."""
    timer = asyncio.get_running_loop().call_later(SLOW, state.holding, f"{trouble} for {SLOW:.0f} s")
    due = timer.when()
    try:
        yield
    finally:
        timer.cancel()
        if asyncio.get_running_loop().time() >= due:
            state.retried()
