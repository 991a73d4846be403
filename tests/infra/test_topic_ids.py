"""A name means another topic once it was deleted and created again; asked of a real broker."""

import asyncio
import uuid

from infra import kafka
from infra.topic_ids import topic_ids
from schemas.topics import Topic


async def test_a_topic_created_again_has_another_id(kafka_bootstrap: str) -> None:
    name, missing = f"again.{uuid.uuid4().hex[:8]}", f"missing.{uuid.uuid4().hex[:8]}"
    topic = Topic(name=name, schema="comment_event", partitions=3)
    await kafka.create_topics(kafka_bootstrap, [topic])
    async with kafka.open_admin(kafka_bootstrap) as admin:
        first = await topic_ids(admin, [name, missing])
        assert first == await topic_ids(admin, [name, missing])
        assert set(first) == {name}
        await admin.delete_topics([name])
        async with asyncio.timeout(30):
            while await topic_ids(admin, [name]):
                await asyncio.sleep(0.05)
            await kafka.create_topics(kafka_bootstrap, [topic])
            while not (second := await topic_ids(admin, [name])):
                await asyncio.sleep(0.05)
    assert second != first
