"""Reading a topic as it stands, without a consumer group: from a time to a time, then done."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import partitions_of, unreachable


async def scan(
    bootstrap: str, topic: str, *, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[Any]:
    """The records (aiokafka ConsumerRecord) of a topic with since <= timestamp < until.

    Ends at the offsets that the partitions had when it began, so what is written meanwhile, by a replay of
    these very records for example, is not read. Records of one partition come in order. Raises
    EnvironmentFault if no broker answers or the topic does not exist.
    """
    partitions = [TopicPartition(topic, number) for number in await partitions_of(bootstrap, topic)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
    except KafkaError as error:
        await consumer.stop()
        raise unreachable(bootstrap, error) from error
    try:
        consumer.assign(partitions)
        first = await consumer.beginning_offsets(partitions)
        end = await consumer.end_offsets(partitions)
        if since is not None:
            found = await consumer.offsets_for_times(
                {each: int(since.timestamp() * 1000) for each in partitions}
            )
            # None: nothing as late, or the broker deleted the record it would have named. Read all, and look.
            first |= {each: place.offset for each, place in found.items() if place is not None}
        for each in partitions:
            consumer.seek(each, first[each])
        waiting = {each for each in partitions if first[each] < end[each]}
        while waiting:
            batches = await consumer.getmany(*waiting, timeout_ms=500, max_records=2000)
            for each, records in batches.items():
                for record in records:
                    late_enough = since is None or record.timestamp >= since.timestamp() * 1000
                    early_enough = until is None or record.timestamp < until.timestamp() * 1000
                    if record.offset < end[each] and late_enough and early_enough:
                        yield record
            for each in list(waiting):
                if await consumer.position(each) >= end[each]:
                    waiting.discard(each)
    finally:
        with contextlib.suppress(KafkaError):
            await consumer.stop()
