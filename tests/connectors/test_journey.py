"""Simulated page -> receiver -> records, over real HTTP: nothing lost, whatever the deliveries go through."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.accounts import Account, KnownAccounts
from connectors.catalogue import webhooks
from connectors.clients import Clients
from connectors.facebook.simulator import Simulator
from connectors.journal import tally
from connectors.platform import Posted
from connectors.receiver import Receiver, receiver_app
from connectors.simulation.serving import serving
from infra.kafka import Message
from infra.settings import Settings
from schemas.codec import load
from schemas.errors import TransientError
from schemas.events import CommentEvent, CommentKind
from tests.connectors.conftest import TOKEN


class FlakyKafka:
    """Acknowledges; of every seven deliveries one is written and not acknowledged."""

    def __init__(self) -> None:
        self.calls = 0
        self.records: list[CommentEvent] = []

    async def publish(self, messages: list[Message]) -> None:
        self.calls += 1
        self.records += [load().decode(message.value, CommentEvent) for message in messages]
        if self.calls % 7 == 0:
            raise TransientError("not acknowledged")


@pytest.fixture
async def kafka(simulator: Simulator, settings: Settings, account: Account) -> AsyncIterator[FlakyKafka]:
    made = FlakyKafka()
    receiver = Receiver(
        webhooks=webhooks(settings),
        accounts=KnownAccounts([account]),
        publisher=made,
        codec=load(),
        body_limit=settings.webhook_body_limit,
    )
    async with serving(receiver_app(receiver)) as url:
        simulator.deliveries.callback_url = f"{url}/webhooks/facebook"
        yield made


async def test_every_comment_arrives_and_no_own_reply_is_taken_for_one(
    simulator: Simulator, kafka: FlakyKafka, clients: Clients, account: Account, journal: Path
) -> None:
    for name, probability in (("duplicate_delivery", 0.3), ("reorder", 0.2), ("bad_signature", 0.2)):
        simulator.faults.set(name, probability=probability)
    client = clients.client(account, TOKEN)
    texts = [f"comment {number} ünïcødé 👍\ud83d" for number in range(400)]
    ids: list[str] = []
    for start in range(0, len(texts), 20):
        ids += simulator.add_comments([{"text": text} for text in texts[start : start + 20]])
        assert isinstance(await client.reply(ids[start], "thanks"), Posted)
    async with asyncio.timeout(10):
        await simulator.deliveries.settled()
    added = {event.platform_comment_id for event in kafka.records if event.kind is CommentKind.ADDED}
    observed = Counter(
        event.platform_comment_id for event in kafka.records if event.kind is CommentKind.REPLY_OBSERVED
    )
    assert added == set(ids) == set(tally(journal).accepted)
    assert set(observed) == set(ids[::20])
