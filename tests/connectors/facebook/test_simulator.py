"""The simulated page: deliveries, limits, tokens, and every fault of its catalogue that the contract suite
does not name already (`test_facebook.FAULTS`)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from connectors.accounts import Account
from connectors.clients import Clients, open_clients
from connectors.facebook.simulator import Simulator, SimulatorConfig
from connectors.facebook.simulator.faults import CATALOGUE
from connectors.facebook.webhook import FacebookWebhook
from connectors.journal import lines, tally
from connectors.meta.signing import appsecret_proof
from connectors.platform import Cause, CommentState, Done, NotSent, Posted, Unknown
from connectors.simulation import Reset
from connectors.simulation.serving import serving
from infra.settings import Settings
from tests.connectors.conftest import APP_SECRET, PAGE, TOKEN
from tests.connectors.facebook.test_facebook import FAULTS


class Inbox:
    """Takes deliveries as Parley would, or refuses; keeps what it accepted."""

    def __init__(self) -> None:
        self.refuse_with: list[int] = []
        self.resets = 0
        self.bodies: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.app = FastAPI()
        self.app.add_route("/", self.take, ["POST"])
        self.webhook = FacebookWebhook(app_secret=APP_SECRET, verify_token=None)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        await self.open.wait()
        if self.resets:
            self.resets -= 1
            return Reset()
        if not self.webhook.verify(request.headers, body):
            return Response(status_code=403)
        if self.refuse_with:
            return Response(status_code=self.refuse_with.pop(0))
        self.bodies.append(body)
        return Response()

    @property
    def sizes(self) -> list[int]:
        return [sum(len(entry["changes"]) for entry in json.loads(body)["entry"]) for body in self.bodies]

    @property
    def told(self) -> list[tuple[str, str]]:
        """(verb, comment id) in the order of arrival."""
        return [
            (change["value"]["verb"], change["value"]["comment_id"])
            for body in self.bodies
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
        ]


@pytest.fixture
async def inbox(simulator: Simulator) -> AsyncIterator[Inbox]:
    made = Inbox()
    async with serving(made.app) as url:
        simulator.deliveries.callback_url = f"{url}/"
        yield made


async def settled(simulator: Simulator) -> None:
    async with asyncio.timeout(5):
        await simulator.deliveries.settled()


def deliveries(journal: Path) -> list[dict[str, Any]]:
    return [line for line in lines(journal) if line["kind"] in ("delivery", "given_up")]


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
    assert sorted(inbox.sizes) == [20, 50, 50]
    assert {comment for _, comment in inbox.told} == set(ids)


async def test_a_stream_waits_for_the_receiver_and_keeps_its_rate(simulator: Simulator, inbox: Inbox) -> None:
    inbox.open.clear()
    streaming = asyncio.create_task(
        simulator.stream(({"text": str(number)} for number in range(500)), most_pending=100)
    )
    async with asyncio.timeout(5):
        while simulator.deliveries.pending < 100:
            await asyncio.sleep(0)
    assert len(simulator.world.comments) == 100
    inbox.open.set()
    ids = await streaming
    await settled(simulator)
    assert {comment for _, comment in inbox.told} == set(ids)
    started = time.monotonic()
    await simulator.stream([{"text": str(number)} for number in range(11)], rate=100)
    assert time.monotonic() - started >= 0.1


async def test_a_refused_delivery_comes_again_unchanged_until_it_is_accepted(
    simulator: Simulator, inbox: Inbox, journal: Path
) -> None:
    inbox.refuse_with = [503, 500, 404]
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert [line["status"] for line in deliveries(journal)] == [503, 500, 404, 200]
    assert list(tally(journal).accepted) == [comment]


async def test_a_delivery_without_answer_comes_again(
    simulator: Simulator, inbox: Inbox, journal: Path
) -> None:
    inbox.resets = 2
    simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert [line["effect"] for line in deliveries(journal)] == ["no_answer", "no_answer", "accepted"]


async def test_nobody_at_the_address_is_no_answer(simulator: Simulator, journal: Path) -> None:
    simulator.deliveries.callback_url = "http://127.0.0.1:1/"
    simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert {line["effect"] for line in deliveries(journal)} == {"no_answer", "given_up"}


async def test_a_delivery_is_given_up_in_the_end(simulator: Simulator, inbox: Inbox, journal: Path) -> None:
    inbox.refuse_with = [503] * 10
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert deliveries(journal)[-1]["effect"] == "given_up"
    assert tally(journal).given_up == {comment}


@pytest.mark.parametrize("fault", ["bad_signature", "missing_signature", "decoded_signature"])
async def test_a_wrong_signature_is_refused_and_the_right_one_follows(
    simulator: Simulator, inbox: Inbox, journal: Path, fault: str
) -> None:
    simulator.faults.set(fault, count=1)
    simulator.add_comments([{"text": "café"}])
    await settled(simulator)
    assert [(line["status"], line.get("fault")) for line in deliveries(journal)] == [
        (403, fault),
        (200, None),
    ]
    assert len(inbox.bodies) == 1


async def test_duplicate_delivery(simulator: Simulator, inbox: Inbox, journal: Path) -> None:
    simulator.faults.set("duplicate_delivery", count=1)
    simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    first, second = inbox.bodies
    assert first == second
    assert len(tally(journal).accepted) == 1


async def test_drop_delivery(simulator: Simulator, inbox: Inbox, journal: Path) -> None:
    simulator.faults.set("drop_delivery", count=1)
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert inbox.bodies == []
    assert tally(journal).given_up == {comment}


async def test_reorder(simulator: Simulator, inbox: Inbox) -> None:
    simulator.faults.set("reorder", count=1)
    first, second = simulator.add_comments([{"text": "first"}, {"text": "second"}])
    await settled(simulator)
    assert [comment for _, comment in inbox.told] == [second, first]


async def test_a_reordered_notice_that_nothing_follows_comes_all_the_same(
    simulator: Simulator, inbox: Inbox
) -> None:
    simulator.faults.set("reorder", count=1)
    simulator.add_comments([{"text": "alone"}])
    await settled(simulator)
    assert len(inbox.told) == 1


async def test_an_own_reply_comes_back_as_a_notice(
    simulator: Simulator, inbox: Inbox, clients: Clients, account: Account, journal: Path
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    outcome = await clients.client(account, TOKEN).reply(comment, "hi")
    assert isinstance(outcome, Posted)
    await settled(simulator)
    assert ("add", outcome.reply_id) in inbox.told
    assert list(tally(journal).accepted) == [comment]


async def test_what_happens_to_comments_is_told(
    simulator: Simulator, inbox: Inbox, clients: Clients, account: Account
) -> None:
    client = clients.client(account, TOKEN)
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("edited_between", count=1)
    assert (await client.read_comment(comment)).text == "hello (edited)"
    assert await client.hide(comment) == Done()
    assert await client.hide(comment, hidden=False) == Done()
    simulator.faults.set("deleted_before_reply", count=1)
    refused = await client.reply(comment, "hi")
    assert isinstance(refused, NotSent)
    await settled(simulator)
    assert {verb for verb, _ in inbox.told} == {"add", "edited", "hide", "unhide", "remove"}


async def test_delayed_listing(simulator: Simulator, clients: Clients, account: Account) -> None:
    client = clients.client(account, TOKEN)
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("delayed_listing", count=1, seconds=3600)
    outcome = await client.reply(comment, "hi")
    assert isinstance(outcome, Posted)
    assert await client.own_replies(comment) == []
    assert (await client.read_comment(outcome.reply_id)).exists


async def test_gone_without_subcode(simulator: Simulator, clients: Clients, account: Account) -> None:
    simulator.faults.set("gone_without_subcode", count=2)
    client = clients.client(account, TOKEN)
    assert await client.read_comment("1_2") == CommentState(exists=False)
    outcome = await client.reply("1_2", "hi")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.GONE


async def test_throttle_bare(simulator: Simulator, clients: Clients, account: Account) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("throttle_bare", count=1)
    outcome = await clients.client(account, TOKEN).reply(comment, "hi")
    assert isinstance(outcome, NotSent)
    assert (outcome.cause, outcome.retry_after) == (Cause.THROTTLED, None)


@pytest.mark.parametrize("fault", ["html_503", "created_then_400"])
async def test_an_unclear_answer_is_unknown(
    simulator: Simulator, clients: Clients, account: Account, journal: Path, fault: str
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set(fault, count=1)
    assert isinstance(await clients.client(account, TOKEN).reply(comment, "hi"), Unknown)
    assert tally(journal).posted == (fault == "created_then_400")


async def test_a_reply_to_a_reply_hangs_below_the_top_and_is_found_there(
    simulator: Simulator, clients: Clients, account: Account
) -> None:
    client = clients.client(account, TOKEN)
    [top] = simulator.add_comments([{"text": "top"}])
    [below] = simulator.add_comments([{"text": "below", "parent_id": top}])
    outcome = await client.reply(below, "hi")
    assert isinstance(outcome, Posted)
    assert [own.reply_id for own in await client.own_replies(below, thread_id=top)] == [outcome.reply_id]


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


async def test_an_answer_is_journalled_before_it_is_sent(
    simulator: Simulator, clients: Clients, account: Account, journal: Path
) -> None:
    client = clients.client(account, TOKEN)
    for number, comment in enumerate(simulator.add_comments([{"text": str(n)} for n in range(20)]), 1):
        assert isinstance(await client.reply(comment, "hi"), Posted)
        assert tally(journal).posted == number
    assert tally(journal).posted_twice == []
    await client.reply(comment, "again")
    assert tally(journal).posted_twice == [comment]


async def test_the_control_requests(simulator: Simulator, inbox: Inbox, journal: Path) -> None:
    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as http:
        made = await http.post(
            "/sim/comments", json={"comments": [{"text": "a", "ref": "row 1"}, {"text": "b"}]}
        )
        first, second = made.json()["ids"]
        for what, content in (
            ("edit", {"text": "c"}),
            ("hide", {}),
            ("unhide", {}),
            ("staff_reply", {"text": "d"}),
        ):
            assert (await http.post(f"/sim/comments/{first}/{what}", json=content)).status_code == 200
        assert (await http.post(f"/sim/comments/{second}/remove")).status_code == 200
        assert (await http.post("/sim/faults", json={"name": "blocked", "count": 2})).status_code == 200
        assert (await http.get("/sim/faults")).json()["on"]["blocked"]["count"] == 2
        assert (await http.delete("/sim/faults")).json()["on"] == {}
        streamed = {"comments": [{"text": "e"}, {"text": "f"}], "rate": 1000}
        assert (await http.post("/sim/comments", json=streamed)).json() == {}
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("/sim/comments", {"comments": [{"txt": "a"}]}),
            ("/sim/comments", {"comments": [{"text": "a", "post_id": "1_2"}]}),
            (f"/sim/comments/{first}/explode", {}),
            ("/sim/comments/1_2/edit", {}),
            ("/sim/faults", {"name": "earthquake"}),
        ]
        for path, request in wrong:
            answer = await http.post(path, json=request)
            assert answer.status_code == 400
            assert answer.json()["error"]
        async with asyncio.timeout(5):
            while len(tally(journal).accepted) < 4:
                await asyncio.sleep(0.01)
        await settled(simulator)
        state = (await http.get("/sim/state")).json()
    assert (state["comments"], state["removed"], state["pending"]) == (5, 1, 0)
    found = tally(journal)
    assert (len(found.created), found.posted, found.removed) == (4, 0, {second})
    assert next(lines(journal))["ref"] == "row 1"


def test_every_fault_of_the_catalogue_is_named_by_a_test() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    contract = {*FAULTS.values(), "read_error", "empty_page", "missing_scope", "unsubscribed"}
    assert [name for name in CATALOGUE if name not in contract and name not in here] == []
