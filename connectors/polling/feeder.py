"""Feeds what lies in the past (`comments.backfill`) in below the live comments, account by account.

A record goes to `comments.raw` as it is, its source `backfill`, only while fewer records than a limit wait to
be enriched. Accounts take turns, and no account may have more than `SHARE` of the limit under way: one whose
past is long leaves room for one that is connected later (`connectors.polling.turns`). Offsets are committed
over the finished prefix of each partition, after the broker acknowledged; what is fed in twice has the same
ids.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from connectors.polling.news import Publishes
from connectors.polling.turns import Taken, Turns, UnderWay
from infra import logs
from infra.kafka import Message
from schemas.codec import Codec
from schemas.errors import ParleyError, TransientError
from schemas.events import CommentEvent
from schemas.topics import COMMENTS_BACKFILL, COMMENTS_RAW

GROUP: Final = "parley.backfill"
SHARE: Final = 0.5
"""Of the limit, that one account may have under way."""

_AHEAD: Final = 5000
"""Most records held in memory."""

log = logs.get(__name__)


class Feeder:
    """`run` feeds until it is cancelled, while the `lag` (records to be enriched) is below `limit`."""

    def __init__(
        self,
        bootstrap: str,
        publisher: Publishes,
        codec: Codec,
        *,
        lag: Callable[[], Awaitable[int]],
        limit: int,
        pause: float = 1.0,
    ) -> None:
        self._bootstrap = bootstrap
        self._publisher = publisher
        self._codec = codec
        self._lag = lag
        self._limit = limit
        self._pause = pause
        self._under_way = UnderWay(max(1, int(SHARE * limit)))

    async def run(self) -> None:
        """Feeds what comes, over and over; a broker that is away is waited for."""
        while True:
            try:
                await self._feed()
            except (KafkaError, TransientError) as error:
                log.warning("feeding in the past waits", error=str(error))
            await asyncio.sleep(self._pause)

    async def _feed(self) -> None:
        consumer = AIOKafkaConsumer(
            COMMENTS_BACKFILL.name,
            bootstrap_servers=self._bootstrap,
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=3_600_000,
        )
        try:
            await consumer.start()
            turns, owned = Turns(), consumer.assignment()
            while True:
                if consumer.assignment() != owned:
                    # What is in memory may be another feeder's by now.
                    turns, owned = Turns(), consumer.assignment()
                    await _rewind(consumer)
                if len(turns) < _AHEAD:
                    await self._read(consumer, turns)
                taken = await self._taken(turns)
                if taken:
                    await self._publisher.publish([message for _, _, message, _ in taken])
                    self._under_way.add(account for _, _, _, account in taken)
                    await consumer.commit(
                        {place: end for place, end in turns.done(taken).items() if place in owned}
                    )
                else:
                    await asyncio.sleep(self._pause)
        finally:
            await consumer.stop()

    async def _taken(self, turns: Turns) -> list[Taken]:
        if not len(turns):
            return []
        lag = await self._lag()
        return turns.take(max(self._limit - lag, 0), self._under_way.room(lag))

    async def _read(self, consumer: AIOKafkaConsumer, turns: Turns) -> None:
        for place, records in (await consumer.getmany(timeout_ms=200, max_records=1000)).items():
            for record in records:
                account, message = "", None
                try:
                    event = self._codec.decode(record.value, CommentEvent)
                    account = f"{event.platform}:{event.account_id}"
                    message = Message(
                        topic=COMMENTS_RAW.name,
                        key=event.comment_id,
                        value=record.value,
                        headers=dict(record.headers),
                    )
                except ParleyError as error:
                    log.error("a record of the past cannot be read", offset=record.offset, error=str(error))
                turns.add(account, place, record.offset, message)


async def _rewind(consumer: AIOKafkaConsumer) -> None:
    for place in consumer.assignment():
        committed = await consumer.committed(place)
        if committed is None:
            await consumer.seek_to_beginning(place)
        else:
            consumer.seek(place, committed)
