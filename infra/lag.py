"""Lag of consumer groups, from the broker: what workers say of themselves goes stale when they stall."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.kafka import open_admin, unreachable
from infra.topic_ids import topic_ids
from schemas.errors import TransientError

_LOADED_WITHIN: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLag:
    """One partition as a group sees it; `committed` is None where the group never committed."""

    group: str
    topic: str
    partition: int
    first: int
    end: int
    committed: int | None

    @property
    def lag(self) -> int:
        """Records that the group has not finished, counted from the first kept one if it never committed."""
        return max(0, self.end - max(self.first, self.committed or 0))


class LagReader:
    """Reads lag over connections that stay open; `open_lag_reader` makes one."""

    def __init__(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        self._admin = admin
        self._consumer = consumer

    async def end_offsets(self, topic: str) -> dict[int, tuple[int, int]]:
        """(first kept offset, end offset) by partition; empty for a topic that does not exist."""
        described = await self._admin.describe_topics([topic])
        partitions = [TopicPartition(topic, each["partition"]) for each in described[0]["partitions"]]
        if not partitions:
            return {}
        first = await self._consumer.beginning_offsets(partitions)
        end = await self._consumer.end_offsets(partitions)
        return {each.partition: (first[each], end[each]) for each in partitions}

    async def read(self, group: str, topics: Sequence[str]) -> list[PartitionLag]:
        """The group's lag on these topics, a row a partition; raises TransientError if the broker is away."""
        try:
            ends = {
                TopicPartition(topic, partition): offsets
                for topic in topics
                for partition, offsets in sorted((await self.end_offsets(topic)).items())
            }
            committed = await self._committed(group, list(ends))
            rows = []
            for (topic, partition), (first, end) in ends.items():
                known = committed[TopicPartition(topic, partition)]
                rows.append(
                    PartitionLag(
                        group=group,
                        topic=topic,
                        partition=partition,
                        first=first,
                        end=end,
                        committed=known if known >= 0 else None,
                    )
                )
        except KafkaError as error:
            raise TransientError(f"Kafka did not tell the lag of {group}: {error}") from error
        return rows

    async def topic_ids(self, topics: Sequence[str]) -> dict[str, uuid.UUID]:
        """See `infra.topic_ids`; raises TransientError if the broker is away."""
        try:
            return await topic_ids(self._admin, topics)
        except KafkaError as error:
            raise TransientError(f"Kafka did not tell its topics' ids: {error}") from error

    async def _committed(self, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Committed offsets, -1 for none.

        A broker that has just started answers without them while it loads its groups, and aiokafka does not
        look at that answer's error: what was asked for and is not in it is asked for again.
        """
        deadline = time.monotonic() + _LOADED_WITHIN
        while partitions:
            found = await self._admin.list_consumer_group_offsets(group, partitions=partitions)
            if all(each in found for each in partitions):
                return {each: found[each].offset for each in partitions}
            if time.monotonic() > deadline:
                raise TransientError(f"Kafka did not tell the offsets of {group}: it still loads its groups")
            await asyncio.sleep(0.2)
        return {}


@contextlib.asynccontextmanager
async def open_lag_reader(bootstrap: str) -> AsyncIterator[LagReader]:
    """A reader; raises EnvironmentFault if no broker answers."""
    async with open_admin(bootstrap) as admin:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise unreachable(bootstrap, error) from error
        try:
            yield LagReader(admin, consumer)
        finally:
            await consumer.stop()
