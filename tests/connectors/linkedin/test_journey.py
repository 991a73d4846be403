"""Simulated organisation -> receiver and poll -> records, over real HTTP: nothing lost, whatever happens."""

import random
from collections import Counter
from pathlib import Path

import httpx
import pytest

from connectors.accounts import Account
from connectors.journal import tally
from connectors.linkedin.client import linkedin_client
from connectors.linkedin.login import LinkedInLogin
from connectors.linkedin.simulator import Simulator
from connectors.logins import Token
from connectors.outcomes import AccountStopped, NotSent, Posted
from infra.settings import Settings
from schemas.events import CommentEvent, CommentKind
from tests.connectors.contract import _an_hour_ago
from tests.connectors.receiving import Kafka
from tests.connectors.simulated import settled

COMMENTS = 1500


async def test_webhooks_and_one_poll_bring_everything_through_faults_and_a_token_that_dies(
    simulator: Simulator,
    kafka: Kafka,
    account: Account,
    settings: Settings,
    http: httpx.AsyncClient,
    journal: Path,
) -> None:
    """5 % of deliveries dropped, others twice, late or wrongly signed; edits, removals, own replies."""
    client = linkedin_client(account, simulator.config.member_token, http, settings)
    assert await simulator.challenges.once() == "validated"
    faults = simulator.faults
    for name, chance in (
        ("drop_delivery", 0.05),
        ("duplicate_delivery", 0.2),
        ("reorder", 0.1),
        ("bad_signature", 0.1),
        ("undecorated", 0.05),
        ("parent_missing", 0.05),
    ):
        faults.set(name, probability=chance)
    chance_of = random.Random(6)
    ids: list[str] = []
    own: dict[str, str] = {}
    for start in range(0, COMMENTS, 50):
        ids += simulator.add_comments(
            [{"text": f"comment {number} ünïcødé 👍\ud83d"} for number in range(start, start + 50)]
        )
        outcome = await client.reply(ids[-1], "thanks")
        assert isinstance(outcome, Posted)
        own[outcome.reply_id] = ids[-1]
        for place in chance_of.sample(range(start, start + 49), 4):
            comment = simulator.world.comment(ids[place])
            assert comment is not None
            if place % 2:
                simulator.happenings.edit(comment, f"edited {place}", by="author")
            else:
                simulator.happenings.remove(comment, by="author")
    faults.set("token_dies", count=1)
    outcome = await client.reply(ids[-1], "never")
    assert isinstance(outcome, NotSent)
    with pytest.raises(AccountStopped):
        [item async for item in client.activity(since=_an_hour_ago())]
    login = LinkedInLogin(settings)
    fresh = await login.refresh(http, Token(access="member-token", refresh=simulator.config.refresh_token))
    assert fresh is not None
    await settled(simulator)

    brought = {event.platform_comment_id for event in kafka.records}
    assert brought < set(ids)
    for name in ("empty_page", "no_links"):
        faults.set(name, count=1)
    poll = linkedin_client(account, fresh.access, http, settings)
    kafka.records += [
        item async for item in poll.activity(since=_an_hour_ago()) if isinstance(item, CommentEvent)
    ]

    removed = tally(journal).removed
    added = {event.platform_comment_id for event in kafka.records if event.kind is CommentKind.ADDED}
    assert added >= set(ids) - removed
    gone = {event.platform_comment_id for event in kafka.records if event.kind is CommentKind.REMOVED}
    assert gone == removed
    observed = {
        event.reply_id: event.platform_comment_id
        for event in kafka.records
        if event.kind is CommentKind.REPLY_OBSERVED
    }
    assert observed == own
    assert not added & set(own)
    newest: dict[str, CommentEvent] = {}
    for event in kafka.records:
        before = newest.get(event.platform_comment_id)
        if event.kind.has_wording and (before is None or event.occurred_at >= before.occurred_at):
            newest[event.platform_comment_id] = event
    for name in set(ids) - removed:
        there = simulator.world.comment(name)
        assert there is not None
        assert newest[name].text == there.text.replace("\ud83d", "\ufffd")
    assert Counter(struck for struck in faults.struck if struck in ("drop_delivery", "token_dies"))
