"""What consumer groups have before them: how much, how old the oldest of it is, and what expired unread.

Against the topic's retention this says how long a stalled stage may stay stalled before records are lost.
Everything is asked of the broker, and nothing is changed there.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from infra.kafka import open_admin, unreachable
from infra.lag import LagReader, PartitionLag
from schemas.errors import TransientError

_READ_WITHIN = 5.0
"""Seconds to wait for the records whose timestamps are asked for."""

_SET_ON_TOPIC = 1
"""Kafka's DYNAMIC_TOPIC_CONFIG: the value was set on this topic, it is no default of the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """One group's unfinished records on one topic, all partitions together.

    `lag`: records. `expired`: records that the broker deleted before the group had finished them.
    `oldest`: the least timestamp of the first unfinished records; None where there are none, or where they
    could not be read in time. `retention`: how long the topic keeps records; None: for ever.
    """

    group: str
    topic: str
    lag: int
    expired: int
    oldest: datetime | None
    retention: timedelta | None

    def age(self, now: datetime) -> timedelta:
        """Age of the oldest unfinished record; nothing if there is none."""
        return max(timedelta(0), now - self.oldest) if self.oldest else timedelta(0)

    def share(self, now: datetime) -> float:
        """That age as a share of the retention: at 1 the broker deletes what nobody has processed."""
        return self.age(now) / self.retention if self.retention else 0.0

    def older_than(self, limit: timedelta, now: datetime) -> bool:
        """True if records have waited longer than `limit`, or have waited for an unknown time."""
        return self.lag > 0 and (self.oldest is None or self.age(now) > limit)


class BacklogReader:
    """Reads backlogs; `open_backlog_reader` makes one."""

    def __init__(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        self._admin = admin
        self._consumer = consumer
        self.lag = LagReader(admin, consumer)

    async def groups(self) -> set[str]:
        """Names of the consumer groups that the broker knows."""
        return {str(group[0]) for group in await self._admin.list_consumer_groups()}

    async def settings(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """By topic: what was set on the topic itself; topics that do not exist are left out."""
        return {
            topic: {name: value for name, (value, own) in entries.items() if own}
            for topic, entries in (await self._configs(topics)).items()
        }

    async def retention(self, topics: Sequence[str]) -> dict[str, timedelta | None]:
        """How long each existing topic keeps records, by its own setting or the broker's; None: for ever."""
        found: dict[str, timedelta | None] = {}
        for topic, entries in (await self._configs(topics)).items():
            kept_ms = int(entries["retention.ms"][0])
            deletes = "delete" in entries["cleanup.policy"][0] and kept_ms >= 0
            found[topic] = timedelta(milliseconds=kept_ms) if deletes else None
        return found

    async def _configs(self, topics: Sequence[str]) -> dict[str, dict[str, tuple[str, bool]]]:
        """By topic and name of a setting: its value, and whether it was set on the topic itself."""
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        return {
            topic: {entry[0]: (entry[1], entry[3] == _SET_ON_TOPIC) for entry in entries}
            for response in await self._admin.describe_configs(asked)
            for code, _message, _kind, topic, entries, *_ in response.resources
            if not code
        }

    async def read(self, group: str, topics: Sequence[str]) -> list[Backlog]:
        """The group's backlog on each of these topics; raises TransientError if the broker is away."""
        rows = await self.lag.read(group, topics)
        try:
            retention = await self.retention(topics)
            stamps = await self.timestamps({_place(row): _next(row) for row in rows if row.lag})
        except KafkaError as error:
            raise TransientError(f"Kafka did not tell the backlog of {group}: {error}") from error
        found = []
        for topic in topics:
            of_topic = [row for row in rows if row.topic == topic]
            behind = [stamps.get(_place(row)) for row in of_topic if row.lag]
            known = [stamp for stamp in behind if stamp is not None]
            found.append(
                Backlog(
                    group=group,
                    topic=topic,
                    lag=sum(row.lag for row in of_topic),
                    expired=sum(
                        max(0, row.first - row.committed) for row in of_topic if row.committed is not None
                    ),
                    oldest=min(known) if len(known) == len(behind) and known else None,
                    retention=retention.get(topic),
                )
            )
        return found

    async def timestamps(self, positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, datetime]:
        """Timestamps of the records at these offsets, or of the next there are; late ones are left out."""
        stamps: dict[TopicPartition, datetime] = {}
        waiting = dict(positions)
        self._consumer.assign(list(waiting))
        for place, offset in waiting.items():
            self._consumer.seek(place, offset)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READ_WITHIN):
                while waiting:
                    for place, records in (await self._consumer.getmany(*waiting, timeout_ms=200)).items():
                        if records and waiting.pop(place, None) is not None:
                            stamps[place] = datetime.fromtimestamp(records[0].timestamp / 1000, UTC)
        self._consumer.assign([])
        return stamps


def _place(row: PartitionLag) -> TopicPartition:
    return TopicPartition(row.topic, row.partition)


def _next(row: PartitionLag) -> int:
    """The first record that the group has not finished and the broker still has."""
    return max(row.first, row.committed or 0)


@contextlib.asynccontextmanager
async def open_backlog_reader(bootstrap: str) -> AsyncIterator[BacklogReader]:
    """A reader; raises EnvironmentFault if no broker answers."""
    async with open_admin(bootstrap) as admin:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=65_536,  # a record each is enough
        )
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise unreachable(bootstrap, error) from error
        await asyncio.sleep(0)  # stop() raises CancelledError if a task that start() made has not yet begun
        try:
            yield BacklogReader(admin, consumer)
        finally:
            with contextlib.suppress(KafkaError):
                await consumer.stop()
