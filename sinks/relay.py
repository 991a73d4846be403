"""The outbox relay: carries committed outbox rows to Kafka, in the order of their ids.

Guarantee: every row is published at least once, and in order by key; a row is marked only after the broker
has acknowledged it. One relay works at a time (session advisory lock); the others wait to take over.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

import asyncpg

from infra import logs
from infra.kafka import Message, Publisher
from infra.postgres import Connection, Pool, transient
from schemas.errors import PoisonError, TransientError
from sinks.outbox import CHANNEL
from sinks.wakeup import Wakeup

BATCH: Final = 500
_LOCK: Final = 0x7061726C6579_02
_TAKE_OVER: Final = 2.0
"""Seconds between attempts of a waiting relay to get the lock."""
_SWEEP: Final = 3600.0
_LONGEST_PAUSE: Final = 10.0

log = logs.get(__name__)


class Relay:
    """Publishes the outbox of one database; `run` until cancelled, or `drain` once."""

    def __init__(
        self, pool: Pool, publisher: Publisher, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._clock = clock
        self._swept_at = float("-inf")

    async def run(self) -> None:
        """Publishes until cancelled; holds out while Kafka or Postgres is away."""
        pause = 0.0
        while True:
            try:
                await self._lead()
                pause = 0.0
            except TransientError as error:
                pause = min(max(2 * pause, 0.2), _LONGEST_PAUSE)
                log.warning("the outbox waits", error=str(error), pause=pause)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311

    async def drain(self) -> int:
        """Publishes what waits now, if no other relay is at it; returns how many rows.

        Raises TransientError if Kafka or Postgres does not play along; the rows then stay unmarked.
        """
        published = 0
        with transient():
            async with self._pool.acquire() as connection:
                if not await _try_lock(connection):
                    return 0
                try:
                    while count := await self._publish(connection):
                        published += count
                finally:
                    if not connection.is_closed():
                        await connection.execute("select pg_advisory_unlock($1)", _LOCK)
        return published

    async def _lead(self) -> None:
        with transient():
            async with self._pool.acquire() as connection:
                while not await _try_lock(connection):  # noqa: ASYNC110
                    await asyncio.sleep(_TAKE_OVER)
                # The lock dies with this connection, and so does the right to mark rows.
                async with Wakeup(self._pool, CHANNEL) as wakeup:
                    while True:
                        if await self._publish(connection) < BATCH:
                            await self._sweep(connection)
                            await wakeup.wait()

    async def _publish(self, connection: Connection) -> int:
        rows = await connection.fetch(
            "select id, topic, key, value, headers from outbox "
            "where published_at is null order by id limit $1",
            BATCH,
        )
        if rows:
            await self._send(connection, rows)
        return len(rows)

    async def _send(self, connection: Connection, rows: Sequence[asyncpg.Record]) -> None:
        refused = None
        try:
            await self._publisher.publish([_message(row) for row in rows])
        except PoisonError as error:
            if len(rows) > 1:
                for row in rows:
                    await self._send(connection, [row])
                return
            refused = str(error)
            log.error("Kafka will never take this row of the outbox", id=rows[0]["id"], error=refused)
        await connection.execute(
            "update outbox set published_at = now(), refused = $2 where id = any($1::bigint[])",
            [row["id"] for row in rows],
            refused,
        )

    async def _sweep(self, connection: Connection) -> None:
        if self._clock() - self._swept_at < _SWEEP:
            return
        self._swept_at = self._clock()
        await connection.execute(
            "delete from outbox where published_at < now() - interval '1 day' and refused is null"
        )


def _message(row: asyncpg.Record) -> Message:
    return Message(
        topic=row["topic"],
        key=row["key"],
        value=row["value"],
        headers={name: text.encode("latin-1") for name, text in row["headers"].items()},
    )


async def _try_lock(connection: Connection) -> bool:
    return bool(await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK))
