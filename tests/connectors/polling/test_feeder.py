"""What lies in the past is fed in below the live comments, account by account, and nothing of it is lost."""

import asyncio
from collections import Counter

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from connectors.polling.feeder import GROUP, TURN, Feeder, Turns
from infra import kafka
from infra.kafka import Message, message, open_admin, open_publisher
from infra.scan import scan
from schemas import identity, topics
from schemas.codec import load
from schemas.events import CommentEvent, CommentKind, Platform, Source, utc_now

PLACE = TopicPartition("comments.backfill", 0)


def event(account: str, number: int) -> CommentEvent:
    comment = identity.comment_id(Platform.FACEBOOK, account, str(number))
    return CommentEvent(
        kind=CommentKind.ADDED,
        tenant_id="acme",
        platform=Platform.FACEBOOK,
        account_id=account,
        comment_id=comment,
        platform_comment_id=str(number),
        revision_id=identity.revision_id(comment, "hello"),
        text="hello",
        occurred_at=utc_now(),
        observed_at=utc_now(),
        source=Source.BACKFILL,
    )


def test_accounts_take_turns_however_much_one_has() -> None:
    turns = Turns()
    for number in range(1000):
        turns.add("large", PLACE, number, Message(topic="t", key="large", value=b""))
    for number in range(1000, 1030):
        turns.add("small", PLACE, number, Message(topic="t", key="small", value=b""))
    taken = Counter(each.key for _, _, each in turns.take(4 * TURN))
    assert taken == {"large": 80 - 30, "small": 30}


def test_offsets_are_committed_over_the_finished_prefix_alone() -> None:
    turns = Turns()
    for number, account in enumerate("aab"):
        turns.add(account, PLACE, number, Message(topic="t", key=account, value=b""))
    turns.add("", PLACE, 3, None)
    a0, a1, b2 = turns.take(3)
    assert turns.done([a0, b2]) == {PLACE: 1}
    assert turns.done([a1]) == {PLACE: 4}


async def test_the_past_waits_while_live_comments_do_and_then_arrives_once(kafka_bootstrap: str) -> None:
    await kafka.create_topics(kafka_bootstrap, [topics.COMMENTS_BACKFILL, topics.COMMENTS_RAW])
    account = identity.comment_id(Platform.FACEBOOK, "", utc_now().isoformat())[:18]
    wanted = {event(account, number).comment_id for number in range(60)}
    lag = 1000

    async def told() -> int:
        return lag

    async def arrived() -> list[str]:
        found = [record async for record in scan(kafka_bootstrap, topics.COMMENTS_RAW.name)]
        return [record.key.decode() for record in found if record.key.decode() in wanted]

    async with open_publisher(kafka_bootstrap) as publisher:
        await publisher.publish(
            [
                message(load(), topics.COMMENTS_BACKFILL, event(account, n).comment_id, event(account, n))
                for n in range(60)
            ]
        )
        feeder = Feeder(kafka_bootstrap, publisher, load(), lag=told, limit=100, pause=0.05)
        for _ in range(2):
            feeding = asyncio.create_task(feeder.run())
            if lag:
                await asyncio.sleep(1)  # nothing is to happen: no condition can be awaited
                assert await arrived() == []
                lag = 0
            async with asyncio.timeout(60):
                while len(await arrived()) < 60:
                    await asyncio.sleep(0.1)
                while not await committed(kafka_bootstrap):
                    await asyncio.sleep(0.1)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
    assert Counter(await arrived()) == dict.fromkeys(wanted, 1)


async def committed(bootstrap: str) -> bool:
    """True once the feeder's group has committed all of the topic."""
    async with open_admin(bootstrap) as admin:
        offsets: dict[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(GROUP)
    return sum(each.offset for each in offsets.values() if each.offset > 0) >= 60
