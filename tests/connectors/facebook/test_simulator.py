"""The simulated page: what is its own in deliveries, limits, tokens and faults."""

import asyncio
import time
from pathlib import Path

import httpx

from connectors.accounts import Account
from connectors.clients import Clients, open_clients
from connectors.facebook.simulator import Simulator, SimulatorConfig
from connectors.journal import tally
from connectors.meta.signing import appsecret_proof
from connectors.outcomes import Cause, Done, NotSent, Posted
from connectors.platform import CommentState, PlatformClient
from infra.settings import Settings
from tests.connectors.conftest import APP_SECRET, PAGE, TOKEN
from tests.connectors.receiving import Inbox
from tests.connectors.simulated import attempts, settled
from tests.connectors.simulator_contract import SimulatorContract


def told(inbox: Inbox) -> list[tuple[str, str]]:
    """(verb, comment id) in the order of arrival."""
    return [
        (change["value"]["verb"], change["value"]["comment_id"])
        for payload in inbox.payloads
        for entry in payload["entry"]
        for change in entry["changes"]
    ]


class TestSimulator(SimulatorContract):
    pass


async def test_a_comment_alone_is_delivered_alone_in_escaped_signed_bytes(
    simulator: Simulator, inbox: Inbox
) -> None:
    simulator.add_comments([{"text": "Olá <b>/x</b> 😀"}])
    await settled(simulator)
    [body] = inbox.bodies
    assert body.isascii()
    assert b"Ol\\u00e1 <b>\\/x<\\/b> \\ud83d\\ude00" in body


async def test_comments_that_wait_are_delivered_together(simulator: Simulator, inbox: Inbox) -> None:
    ids = simulator.add_comments([{"text": f"number {number}"} for number in range(120)])
    await settled(simulator)
    sizes = [sum(len(entry["changes"]) for entry in payload["entry"]) for payload in inbox.payloads]
    assert sorted(sizes) == [20, 50, 50]
    assert {comment for _, comment in told(inbox)} == set(ids)


async def test_a_stream_waits_for_the_receiver_and_keeps_its_rate(simulator: Simulator, inbox: Inbox) -> None:
    inbox.open.clear()
    streaming = asyncio.create_task(
        simulator.stream(({"text": str(number)} for number in range(500)), most_pending=100)
    )
    async with asyncio.timeout(20):
        while simulator.deliveries.pending < 100:
            await asyncio.sleep(0)
    assert len(simulator.world.comments) == 100
    inbox.open.set()
    ids = await streaming
    await settled(simulator)
    assert {comment for _, comment in told(inbox)} == set(ids)
    started = time.monotonic()
    await simulator.stream([{"text": str(number)} for number in range(11)], rate=100)
    assert time.monotonic() - started >= 0.1


async def test_a_delivery_is_given_up_in_the_end(simulator: Simulator, inbox: Inbox, journal: Path) -> None:
    inbox.refuse_with = [503] * 10
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert attempts(journal)[-1]["effect"] == "given_up"
    assert tally(journal).given_up == {comment}


async def test_what_happens_to_comments_is_told(
    simulator: Simulator, inbox: Inbox, client: PlatformClient
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("edited_between", count=1)
    assert (await client.read_comment(comment)).text == "hello (edited)"
    assert await client.hide(comment) == Done()
    assert await client.hide(comment, hidden=False) == Done()
    simulator.faults.set("deleted_before_reply", count=1)
    refused = await client.reply(comment, "hi")
    assert isinstance(refused, NotSent)
    await settled(simulator)
    assert {verb for verb, _ in told(inbox)} == {"add", "edited", "hide", "unhide", "remove"}


async def test_gone_without_subcode(simulator: Simulator, client: PlatformClient) -> None:
    simulator.faults.set("gone_without_subcode", count=2)
    assert await client.read_comment("1_2") == CommentState(exists=False)
    outcome = await client.reply("1_2", "hi")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.GONE


async def test_throttle_bare_names_no_time(simulator: Simulator, client: PlatformClient) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("throttle_bare", count=1)
    outcome = await client.reply(comment, "hi")
    assert isinstance(outcome, NotSent)
    assert (outcome.cause, outcome.retry_after) == (Cause.THROTTLED, None)


async def test_a_page_over_its_hour_is_throttled_and_says_for_how_long(
    account: Account, settings: Settings
) -> None:
    limited = Simulator(SimulatorConfig(page_id=PAGE, posts=1, calls_per_hour=4, scale=1))
    async with limited.serving() as url:
        here = settings.model_copy(update={"facebook_graph_url": url})
        async with open_clients(here) as opened:
            client = opened.client(account, TOKEN)
            [comment] = limited.add_comments([{"text": "hello"}])
            for used in (25, 50, 75, 100):
                await client.read_comment(comment)
                assert client.usage.percent == used
            outcome = await client.reply(comment, "hi")
            assert isinstance(outcome, NotSent)
            assert (outcome.cause, outcome.retry_after) == (Cause.THROTTLED, 60)
            assert client.usage.regain_after == 60


async def test_a_page_that_replies_too_fast_is_blocked_until_the_block_ends(
    account: Account, settings: Settings
) -> None:
    limited = Simulator(SimulatorConfig(page_id=PAGE, posts=1, replies_per_minute=3, scale=1))
    async with limited.serving() as url:
        here = settings.model_copy(update={"facebook_graph_url": url})
        async with open_clients(here) as opened:
            client = opened.client(account, TOKEN)
            [comment] = limited.add_comments([{"text": "hello"}])
            outcomes = [await client.reply(comment, f"number {number}") for number in range(5)]
            assert [isinstance(outcome, Posted) for outcome in outcomes] == [True, True, True, False, False]
            assert isinstance(outcomes[4], NotSent)
            assert outcomes[4].cause is Cause.BLOCKED


async def test_calls_without_a_right_proof_or_token_or_version_are_refused(simulator: Simulator) -> None:
    proof = appsecret_proof(APP_SECRET, TOKEN)
    good = {"access_token": TOKEN, "appsecret_proof": proof}
    path = f"/v26.0/{next(iter(simulator.world.posts.values())).id}"
    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as http:
        assert (await http.get(path, params=good)).status_code == 200
        for wrong, code in (
            ({"access_token": TOKEN}, 100),
            ({**good, "appsecret_proof": "0"}, 100),
            ({**good, "access_token": "other"}, 190),
        ):
            assert (await http.get(path, params=wrong)).json()["error"]["code"] == code
        assert (await http.get(path.replace("v26.0", "26"), params=good)).status_code == 404


async def test_a_users_token_sees_nothing_and_may_not_write(
    simulator: Simulator, clients: Clients, account: Account
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    client = clients.client(account, "user-token")
    assert [item async for item in client.list_comments(simulator.state()["posts"][0])] == []
    outcome = await client.reply(comment, "hi")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.AUTH


async def test_a_post_of_a_message_to_a_comment_edits_it(simulator: Simulator) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    params = {"access_token": TOKEN, "appsecret_proof": appsecret_proof(APP_SECRET, TOKEN)}
    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as http:
        answer = await http.post(f"/v26.0/{comment}", json={**params, "message": "not a reply"})
    assert answer.json() == {"success": True}
    found = simulator.world.comment(comment)
    assert found is not None
    assert (found.text, found.replies) == ("not a reply", [])
