"""Simulated account -> receiver and poll -> records, over real HTTP: nothing lost, whatever happens."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from connectors.accounts import Account
from connectors.instagram.client import instagram_client
from connectors.instagram.login import instagram_login
from connectors.instagram.simulator import Simulator, SimulatorConfig
from connectors.journal import tally
from connectors.logins import Token
from connectors.outcomes import AccountStopped, Cause, NotSent, Posted
from infra.settings import Settings
from schemas.errors import ThrottledError
from schemas.events import CommentEvent, CommentKind
from tests.connectors.contract import REDIRECT, VERIFIER, _an_hour_ago, _consent
from tests.connectors.instagram.payloads import ACCOUNT, USERNAME
from tests.connectors.receiving import Kafka
from tests.connectors.simulated import settled

COMMENTS = 2_000


@pytest.fixture
async def simulator(journal: Path) -> AsyncIterator[Simulator]:
    made = Simulator(
        SimulatorConfig(
            account_id=ACCOUNT,
            username=USERNAME,
            login="instagram",
            posts=10,
            journal=journal,
            scale=1_000_000,
            gather_seconds=0,
            delivery_timeout=60,
        )
    )
    async with made.serving():
        yield made


async def test_webhooks_and_one_poll_bring_everything_through_faults_and_a_token_that_dies(
    simulator: Simulator,
    kafka: Kafka,
    account: Account,
    settings: Settings,
    http: httpx.AsyncClient,
    journal: Path,
) -> None:
    """A delivery dropped, others twice, late or wrongly signed; edits, removals, own replies."""
    client = instagram_client(account, simulator.config.token, http, settings)
    faults = simulator.faults
    for name, probability in (
        ("duplicate_delivery", 0.2),
        ("reorder", 0.1),
        ("bad_signature", 0.1),
        ("wrapped_delivery", 0.1),
    ):
        faults.set(name, probability=probability)
    faults.set("drop_delivery", count=1)  # left to chance it may strike none of so few
    chance = random.Random(6)
    ids: list[str] = []
    own: dict[str, str] = {}
    touched: dict[str, str | None] = {}
    for start in range(0, COMMENTS, 100):
        ids += simulator.add_comments(
            [{"text": f"comment {number} ünïcødé 👍\ud83d"} for number in range(start, start + 100)]
        )
        outcome = await client.reply(ids[-1], "thanks")
        assert isinstance(outcome, Posted)
        own[outcome.reply_id] = ids[-1]
        for place in chance.sample(range(start, start + 99), 4):
            comment = simulator.world.comment(ids[place])
            assert comment is not None
            touched[ids[place]] = f"edited {place}" if place % 2 else None
            if place % 2:
                simulator.happenings.edit(comment, f"edited {place}", by="author")
            else:
                simulator.happenings.remove(comment, by="author")

    faults.set("expired_token")
    outcome = await client.reply(ids[-1], "never")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.AUTH
    with pytest.raises(AccountStopped):
        [item async for item in client.activity(since=_an_hour_ago())]
    with pytest.raises(AccountStopped):
        await instagram_login(settings).refresh(http, Token(access=simulator.config.token))
    faults.clear("expired_token")
    await settled(simulator)
    counted = tally(journal)
    brought = {event.platform_comment_id for event in kafka.records if event.kind is CommentKind.ADDED}
    assert brought == set(counted.accepted) < set(ids)
    assert counted.given_up == set(ids) - brought

    login = instagram_login(settings)
    code = await _consent(login, http)
    [granted] = await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier=VERIFIER)
    poll = instagram_client(account, granted.token.access, http, settings)
    faults.set("throttle", count=1)
    with pytest.raises(ThrottledError):
        [item async for item in poll.activity(since=_an_hour_ago())]
    faults.set("empty_page", count=1)
    polled = [item async for item in poll.activity(since=_an_hour_ago()) if isinstance(item, CommentEvent)]

    removed = counted.removed
    there = {event.platform_comment_id: event for event in polled if event.kind is CommentKind.ADDED}
    assert set(there) == set(ids) - removed
    number_of = {name: number for number, name in enumerate(ids)}
    for name, event in there.items():
        wording = touched.get(name) or f"comment {number_of[name]} ünïcødé 👍\ufffd"
        assert event.text == wording
    # Absence is no removal: the direct read is what says that a comment is gone.
    for name in chance.sample(sorted(removed), 20):
        assert not (await poll.read_comment(name)).exists
    events = [*kafka.records, *polled]
    assert not {event.platform_comment_id for event in events if event.kind is CommentKind.ADDED} & set(own)
    observed = {
        event.reply_id: event.platform_comment_id
        for event in events
        if event.kind is CommentKind.REPLY_OBSERVED
    }
    assert observed == own
    assert faults.struck["drop_delivery"]
