"""What lies in the past is fed in below the live comments, account by account, and nothing of it is lost."""

import asyncio
from collections import Counter

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from connectors.polling.feeder import GROUP, Feeder
from connectors.polling.turns import TURN, Turns, UnderWay
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


def plenty(_account: str) -> int:
    return 1_000_000


def filled(**counts: int) -> Turns:
    turns, number = Turns(), 0
    for account, count in counts.items():
        for _ in range(count):
            turns.add(account, PLACE, number, Message(topic="t", key=account, value=b""))
            number += 1
    return turns


def test_accounts_take_turns_however_much_one_has() -> None:
    taken = Counter(account for *_, account in filled(large=1000, small=30).take(4 * TURN, plenty))
    assert taken == {"large": 80 - 30, "small": 30}


def test_one_account_alone_leaves_room_for_another() -> None:
    turns, under_way = filled(large=1000), UnderWay(100)
    fed = 0
    for _ in range(5):  # nothing is enriched meanwhile
        taken = turns.take(200 - fed, under_way.room(fed))
        under_way.add(account for *_, account in taken)
        fed += len(taken)
    assert fed == 100
    for number in range(2000, 2050):
        turns.add("late", PLACE, number, Message(topic="t", key="late", value=b""))
    taken = turns.take(200 - fed, under_way.room(fed))
    assert Counter(account for *_, account in taken) == {"late": 50}
    under_way.add(account for *_, account in taken)
    assert len(turns.take(1000, under_way.room(90))) == 60  # 60 of the 90 that wait can be the large one's


def test_offsets_are_committed_over_the_finished_prefix_alone() -> None:
    turns = Turns()
    for number, account in enumerate("aab"):
        turns.add(account, PLACE, number, Message(topic="t", key=account, value=b""))
    turns.add("", PLACE, 3, None)
    a0, a1, b2 = turns.take(3, plenty)
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
    return bool(sum(each.offset for each in offsets.values() if each.offset > 0) >= 60)


async def test_nothing_is_lost_when_a_feeder_joins_and_another_goes_without_a_word(
    kafka_bootstrap: str,
) -> None:
    await kafka.create_topics(kafka_bootstrap, [topics.COMMENTS_BACKFILL, topics.COMMENTS_RAW])
    account = identity.comment_id(Platform.FACEBOOK, "", utc_now().isoformat())[:18]
    wanted = {event(account, number).comment_id for number in range(600)}
    published = 0

    async def lag() -> int:
        return 0

    class Breaking:
        """Publishes, and goes away before the offsets are committed, as a process does that is killed."""

        async def publish(self, messages: list[Message]) -> None:
            nonlocal published
            await publisher.publish(messages)
            published += len(messages)
            if published > 100:
                await asyncio.Event().wait()

    async def arrived() -> set[str]:
        keys = {record.key.decode() async for record in scan(kafka_bootstrap, topics.COMMENTS_RAW.name)}
        return keys & wanted

    async with open_publisher(kafka_bootstrap) as publisher:
        events = [event(account, number) for number in range(600)]
        await publisher.publish(
            [message(load(), topics.COMMENTS_BACKFILL, each.comment_id, each) for each in events]
        )
        first = Feeder(kafka_bootstrap, Breaking(), load(), lag=lag, limit=40, pause=0.05)
        second = Feeder(kafka_bootstrap, publisher, load(), lag=lag, limit=40, pause=0.05)
        feeding = [asyncio.create_task(first.run())]
        async with asyncio.timeout(120):
            while published <= 100:
                await asyncio.sleep(0.05)
            feeding.append(asyncio.create_task(second.run()))
            feeding[0].cancel()
            while await arrived() != wanted:
                await asyncio.sleep(0.2)
        for task in feeding:
            task.cancel()
        await asyncio.gather(*feeding, return_exceptions=True)
