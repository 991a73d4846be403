"""Wakes a loop when Postgres has work for it: LISTEN where the connection holds, polling always.

A lost notification costs one poll interval, never work.
"""

import asyncio
import contextlib
import time
from types import TracebackType
from typing import Any, Final, Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from infra import logs
from infra.postgres import AWAY, Pool, transient
from schemas.errors import TransientError

POLL: Final = 1.0
"""Seconds between looks while nothing is heard."""

RETRY: Final = 5.0
"""Seconds between attempts to listen again after the connection was lost."""

log = logs.get(__name__)


class Wakeup:
    """Listens on one channel with one connection of the pool, for as long as the context lasts."""

    def __init__(self, pool: Pool, channel: str) -> None:
        self._pool = pool
        self._channel = channel
        self._event = asyncio.Event()
        self._listen_again_at = 0.0
        self._connection: PoolConnectionProxy[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*AWAY):
                await connection.remove_listener(self._channel, self._notified)
            with contextlib.suppress(*AWAY):
                await self._pool.release(connection)

    def wake(self) -> None:
        """Ends the wait under way, or the next one."""
        self._event.set()

    async def wait(self, timeout: float = POLL) -> None:
        """Returns when woken or notified, at the latest after `timeout` seconds."""
        try:
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the event.
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            if self._is_lost():
                await self.__aexit__(None, None, None)
            if self._connection is None and time.monotonic() > self._listen_again_at:
                await self._listen()
        self._event.clear()

    def _is_lost(self) -> bool:
        try:
            return self._connection is not None and self._connection.is_closed()
        except asyncpg.InterfaceError:  # the pool has taken a connection back that broke
            return True

    async def _listen(self) -> None:
        self._listen_again_at = time.monotonic() + RETRY
        try:
            with transient():
                connection = await self._pool.acquire(timeout=RETRY / 2)
                await connection.add_listener(self._channel, self._notified)
        except TransientError as error:
            log.warning("cannot listen, polling instead", channel=self._channel, error=str(error))
            return
        self._connection = connection
        self._event.set()  # what came before the first LISTEN

    def _notified(self, *_: Any) -> None:
        self._event.set()
