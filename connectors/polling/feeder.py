"""Feeds what lies in the past (`comments.backfill`) in below the live comments, account by account.

A record goes to `comments.raw` as it is, its source `backfill`, only while fewer records than a limit wait to
be enriched, and accounts take turns: however much one has, it gets no larger part of what is under way than
the others that have something waiting. Offsets are committed over the finished prefix of each partition,
after the broker acknowledged; what is fed in twice has the same ids.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra import logs
from infra.kafka import Message
from schemas.codec import Codec
from schemas.errors import ParleyError, TransientError
from schemas.events import CommentEvent
from schemas.topics import COMMENTS_BACKFILL, COMMENTS_RAW

GROUP: Final = "parley.backfill"
TURN: Final = 20
"""Records of one account published in its turn."""

_AHEAD: Final = 5000
"""Most records held in memory."""

log = logs.get(__name__)


class Publishes(Protocol):
    """What is needed of `infra.kafka.Publisher`."""

    async def publish(self, messages: list[Message]) -> None:
        """Returns once every record is acknowledged; raises TransientError if any is not."""
        ...


class Turns:
    """Records waiting by account; pure. `take` gives them by turns, `done` tells what may be committed."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[tuple[TopicPartition, int, Message]]] = {}
        self._order: deque[str] = deque()
        self._unfinished: dict[TopicPartition, set[int]] = {}
        self._next: dict[TopicPartition, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, account: str, place: TopicPartition, offset: int, message: Message | None) -> None:
        """A record that was read; without a message it counts as finished."""
        self._next[place] = offset + 1
        if message is None:
            return
        self._unfinished.setdefault(place, set()).add(offset)
        if account not in self._waiting:
            self._waiting[account] = deque()
            self._order.append(account)
        self._waiting[account].append((place, offset, message))

    def take(self, most: int) -> list[tuple[TopicPartition, int, Message]]:
        """Up to `most` records, `TURN` of each account in turn."""
        taken: list[tuple[TopicPartition, int, Message]] = []
        while self._order and len(taken) < most:
            account = self._order.popleft()
            queue = self._waiting[account]
            taken += [queue.popleft() for _ in range(min(TURN, len(queue), most - len(taken)))]
            if queue:
                self._order.append(account)
            else:
                del self._waiting[account]
        return taken

    def done(self, taken: Sequence[tuple[TopicPartition, int, Message]]) -> dict[TopicPartition, int]:
        """Offsets to commit once these are acknowledged: the finished prefix of every partition."""
        for place, offset, _ in taken:
            self._unfinished[place].discard(offset)
        return {place: min(self._unfinished.get(place) or {end}) for place, end in self._next.items()}


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
        await consumer.start()
        try:
            turns, owned = Turns(), consumer.assignment()
            while True:
                if consumer.assignment() != owned:
                    # What is in memory may be another feeder's by now.
                    turns, owned = Turns(), consumer.assignment()
                    await _rewind(consumer)
                if len(turns) < _AHEAD:
                    await self._read(consumer, turns)
                room = min(self._limit - await self._lag(), self._limit) if len(turns) else 0
                taken = turns.take(max(room, 0))
                if taken:
                    await self._publisher.publish([message for _, _, message in taken])
                    await consumer.commit(
                        {place: end for place, end in turns.done(taken).items() if place in owned}
                    )
                else:
                    await asyncio.sleep(self._pause)
        finally:
            await consumer.stop()

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
