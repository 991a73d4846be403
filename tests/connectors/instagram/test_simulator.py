"""The simulated account: what is its own in deliveries, limits, tokens and faults."""

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.instagram.client import InstagramClient
from connectors.instagram.poller import OLDER_MEDIA
from connectors.instagram.simulator import Simulator, SimulatorConfig
from connectors.instagram.webhook import InstagramWebhook
from connectors.journal import lines
from connectors.meta.signing import appsecret_proof
from connectors.outcomes import AccountStopped, Cause, Done, NotSent, Posted
from connectors.platform import CommentState
from connectors.simulation.serving import serving
from connectors.webhook import Change
from infra.settings import Settings
from schemas.errors import ThrottledError
from schemas.events import CommentEvent, EngagementEvent, Platform, PostEvent, utc_now
from tests.connectors.instagram.conftest import APP_SECRET, TOKEN
from tests.connectors.instagram.payloads import ACCOUNT
from tests.connectors.receiving import Inbox
from tests.connectors.simulated import settled
from tests.connectors.simulator_contract import SimulatorContract


class TestSimulator(SimulatorContract):
    pass


async def test_a_delivery_is_escaped_signed_and_in_the_logins_form(
    simulator: Simulator, inbox: Inbox
) -> None:
    [comment] = simulator.add_comments([{"text": "Olá /x 😀"}])
    await settled(simulator)
    [body] = inbox.bodies
    assert b"Ol\\u00e1 \\/x \\ud83d\\ude00" in body
    entry = inbox.payloads[0]["entry"][0]
    assert ("changes" in entry) == (simulator.config.login == "facebook")
    [event] = inbox.events
    assert (event.platform_comment_id, event.text) == (comment, "Olá /x 😀")


async def test_a_thousand_changes_come_in_one_delivery(journal: Path, account: Account) -> None:
    config = SimulatorConfig(
        account_id=ACCOUNT, journal=journal, gather_seconds=0, changes_per_delivery=1000, deliveries_at_once=1
    )
    simulator = Simulator(config)
    inbox = Inbox(InstagramWebhook(app_secret=APP_SECRET, verify_token=None), account)
    async with simulator.serving(), serving(inbox.app) as url:
        simulator.deliveries.callback_url = f"{url}/"
        ids = simulator.add_comments([{"text": f"number {number}"} for number in range(1000)])
        await settled(simulator)
        changes = list(inbox.webhook.split(inbox.payloads[0]))
    assert len(inbox.bodies) == 1
    assert [change.value["id"] for change in changes if isinstance(change, Change)] == ids


async def test_nobody_is_told_of_edits_removals_and_hiding(simulator: Simulator, inbox: Inbox) -> None:
    [first, second] = simulator.add_comments([{"text": "first"}, {"text": "second"}])
    for comment_id, what in ((first, "edit"), (second, "remove")):
        comment = simulator.world.comment(comment_id)
        assert comment
        if what == "edit":
            simulator.happenings.edit(comment, "other", by="author")
            simulator.happenings.set_hidden(comment, True, by="staff")
        else:
            simulator.happenings.remove(comment, by="author")
    await settled(simulator)
    assert {event.platform_comment_id for event in inbox.events} == {first, second}
    assert len(inbox.found) == 2


async def test_wrapped_delivery(simulator: Simulator, inbox: Inbox) -> None:
    simulator.faults.set("wrapped_delivery", count=1)
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert isinstance(inbox.payloads[0], list)
    assert [event.platform_comment_id for event in inbox.events] == [comment]


async def test_sparse_notice(simulator: Simulator, inbox: Inbox) -> None:
    simulator.faults.set("sparse_notice", count=1)
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    [event] = inbox.events
    assert (event.platform_comment_id, event.author_id, event.platform_post_id) == (comment, None, None)


async def test_ad_notice(simulator: Simulator, inbox: Inbox) -> None:
    simulator.faults.set("ad_notice", count=1)
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert b'"media_product_type":"AD"' in inbox.bodies[0]
    there = simulator.world.comment(comment)
    assert there
    assert [event.platform_post_id for event in inbox.events] == [there.post_id]


async def test_live_notice(simulator: Simulator, inbox: Inbox) -> None:
    simulator.faults.set("live_notice", count=1)
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert b'"live_comments"' in inbox.bodies[0]
    assert [event.platform_comment_id for event in inbox.events] == [comment]


async def test_a_reply_to_a_hidden_comment_is_refused_and_a_read_says_so(
    simulator: Simulator, client: InstagramClient
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    assert await client.hide(comment) == Done()
    assert (await client.read_comment(comment)).can_reply is False
    outcome = await client.reply(comment, "hi")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.PERMANENT


async def test_an_own_comment_stays_visible_although_hiding_it_succeeds(
    simulator: Simulator, client: InstagramClient
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    own = simulator.happenings.staff_reply("hi", comment)
    assert await client.hide(own.id) == Done()
    assert not (await client.read_comment(own.id)).is_hidden


async def test_a_reply_asked_for_with_fields_is_created_and_the_answer_is_an_error(
    simulator: Simulator, settings: Settings
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.post(
            f"{simulator.url}/v26.0/{comment}/replies",
            data={
                "message": "hi",
                "fields": "id",
                "access_token": TOKEN,
                "appsecret_proof": appsecret_proof(APP_SECRET, TOKEN),
            },
        )
    assert (response.status_code, response.json()["error"]["error_subcode"]) == (400, 1772107)
    assert len(simulator.world.comments) == 2


async def test_gone_without_subcode(simulator: Simulator, client: InstagramClient) -> None:
    simulator.faults.set("gone_without_subcode", count=2)
    assert await client.read_comment("17900000000000000") == CommentState(exists=False)
    outcome = await client.reply("17900000000000000", "hi")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.GONE


async def test_throttle(simulator: Simulator, client: InstagramClient) -> None:
    simulator.faults.set("throttle", count=1)
    with pytest.raises(ThrottledError) as caught:
        await client.read_comment("1")
    assert caught.value.retry_after == 60
    assert client.usage.percent == 100


async def test_throttle_bare(simulator: Simulator, client: InstagramClient) -> None:
    simulator.faults.set("throttle_bare", count=1)
    with pytest.raises(ThrottledError) as caught:
        await client.read_comment("1")
    assert caught.value.retry_after is None


async def test_an_account_over_its_day_is_throttled_and_says_for_how_long(journal: Path) -> None:
    simulator = Simulator(SimulatorConfig(calls_per_day=10, login="instagram", posts=1))
    url = "http://simulated/v26.0"
    headers = {"Authorization": f"Bearer {simulator.config.token}"}
    app = FastAPI()
    simulator.routes(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        answers = [await http.get(f"{url}/{ACCOUNT}", headers=headers) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [400]
    usage = json.loads(answers[4].headers["x-business-use-case-usage"])[ACCOUNT][0]
    assert (usage["type"], usage["call_count"]) == ("instagram", 50)
    assert answers[10].json()["error"]["code"] == 80002


async def test_empty_answers(simulator: Simulator, client: InstagramClient) -> None:
    simulator.add_comments([{"text": "hello"}])
    assert (await client.check()).problem is None
    simulator.faults.set("empty_answers")
    check = await client.check()
    assert check.problem is Cause.PERMISSION
    assert "wrong kind" in check.reason


async def test_missing_permission_and_expired_token_stop_a_poll(
    simulator: Simulator, client: InstagramClient
) -> None:
    for fault, cause in (("missing_permission", Cause.PERMISSION), ("expired_token", Cause.AUTH)):
        simulator.faults.set(fault, count=1)
        with pytest.raises(AccountStopped) as caught:
            [item async for item in client.activity(since=utc_now() - timedelta(days=1))]
        assert caught.value.cause is cause


async def test_a_poll_with_another_accounts_token_is_no_empty_poll(
    simulator: Simulator, clients: Clients, account: Account
) -> None:
    stranger = clients.client(account, simulator.config.other_token)
    with pytest.raises(AccountStopped) as caught:
        [item async for item in stranger.activity(since=utc_now() - timedelta(days=1))]
    assert caught.value.cause is Cause.AUTH


async def test_calls_without_a_right_proof_or_token_or_version_are_refused(simulator: Simulator) -> None:
    proof = appsecret_proof(APP_SECRET, TOKEN)
    async with httpx.AsyncClient(trust_env=False) as http:

        async def code(version: str = "v26.0", **params: str) -> int:
            given = {"access_token": TOKEN, "appsecret_proof": proof, **params}
            body = (await http.get(f"{simulator.url}/{version}/{ACCOUNT}", params=given)).json()
            return int(body.get("error", {}).get("code", 0))

        assert await code() == 0
        assert await code(access_token="other") == 190
        assert await code(version="latest") == 2500
        assert await code(appsecret_proof="x") == (100 if simulator.config.login == "facebook" else 0)


async def test_the_user_name_is_learned_where_the_account_has_none(
    simulator: Simulator, clients: Clients, journal: Path
) -> None:
    nameless = Account(tenant_id="acme", platform=Platform.INSTAGRAM, account_id=ACCOUNT)
    client = clients.client(nameless, TOKEN)
    [comment] = simulator.add_comments([{"text": "hello"}])
    assert isinstance(await client.reply(comment, "hi"), Posted)
    for _ in range(2):
        assert len(await client.own_replies(comment)) == 1
    reads = [line for line in lines(journal) if line["kind"] == "read"]
    assert [line["comment_id"] for line in reads] == [ACCOUNT]


async def test_replies_beyond_a_page_are_listed_too(simulator: Simulator, client: InstagramClient) -> None:
    [top] = simulator.add_comments([{"text": "top"}])
    below = simulator.add_comments([{"text": str(number), "parent_id": top} for number in range(70)])
    events = [event async for event in client.list_comments(simulator.state()["posts"][0])]
    assert [event.platform_comment_id for event in events if isinstance(event, CommentEvent)] == [top, *below]


async def test_a_poll_finds_new_comments_on_old_media_and_leaves_quiet_ones_alone(
    simulator: Simulator, client: InstagramClient, journal: Path
) -> None:
    old, quiet = simulator.world.add_post("old"), simulator.world.add_post("quiet")
    [stale] = simulator.add_comments([{"text": "stale", "post_id": old.id}])
    [fresh] = simulator.add_comments([{"text": "fresh", "post_id": old.id}])
    for post in simulator.world.posts.values():
        post.created -= 10 * 86_400
    simulator.world.comments[stale].created -= 10 * 86_400
    found = [item async for item in client.activity(since=utc_now() - timedelta(days=1))]
    assert [item.platform_post_id for item in found if isinstance(item, PostEvent)] == [old.id]
    assert [item.platform_comment_id for item in found if isinstance(item, CommentEvent)] == [fresh]
    counted = [item for item in found if isinstance(item, EngagementEvent)]
    assert [(item.replies, item.comment_id is None) for item in counted] == [(2, True), (0, False)]
    listed = {line["comment_id"] for line in lines(journal) if line["kind"] == "list"}
    assert listed == {ACCOUNT, old.id}
    assert quiet.id not in listed


async def test_a_poll_does_not_page_through_all_that_was_ever_published(
    simulator: Simulator, client: InstagramClient, journal: Path
) -> None:
    for number in range(OLDER_MEDIA + 200):
        simulator.world.add_post(str(number)).created -= 10 * 86_400
    [item async for item in client.activity(since=utc_now() - timedelta(days=1))]
    pages = [line for line in lines(journal) if line["kind"] == "list"]
    assert len(pages) == OLDER_MEDIA // 50 + 1
