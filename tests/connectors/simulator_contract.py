"""What every simulator must do: inherit this class, give `simulator`, `settings`, `account` and `client`.

Everything is seen from outside: through the webhook that maps the platform's deliveries, through the
platform's client, through the journal, and through `/sim/...`.
"""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.catalogue import CONNECTORS
from connectors.journal import lines, tally
from connectors.outcomes import Cause, NotSent, Posted, Unknown
from connectors.platform import PlatformClient
from connectors.simulation import Simulation
from schemas.events import CommentEvent, CommentKind
from tests.connectors.contract import _an_hour_ago
from tests.connectors.receiving import Inbox, Kafka
from tests.connectors.simulated import SimulatedAccount, attempts, settled


class SimulatorContract:
    """Deliveries, faults of deliveries and replies, the journal, and requests to make things happen."""

    async def test_every_comment_arrives_and_no_own_reply_is_taken_for_one(
        self,
        simulator: Simulation,
        kafka: Kafka,
        client: PlatformClient,
        page: SimulatedAccount,
        journal: Path,
    ) -> None:
        for name in (
            "duplicate_delivery",
            "reorder",
            "bad_signature",
            "missing_signature",
            "decoded_signature",
        ):
            simulator.faults.set(name, probability=0.2)
        ids = [page.comment(f"comment {number} ünïcødé 👍\ud83d <&>") for number in range(150)]
        for comment in ids[::15]:
            assert isinstance(await client.reply(comment, "thanks"), Posted)
        await settled(simulator)
        assert tally(journal).given_up == set()
        assert kafka.of(CommentKind.ADDED).keys() == set(ids) == tally(journal).accepted.keys()
        assert kafka.of(CommentKind.REPLY_OBSERVED).keys() == set(ids[::15])
        observed = [event for event in kafka.records if event.kind is CommentKind.REPLY_OBSERVED]
        assert {event.text for event in observed} == {"thanks"}

    # deliveries

    async def test_a_refused_delivery_comes_again_unchanged_until_it_is_accepted(
        self, simulator: Simulation, inbox: Inbox, page: SimulatedAccount, journal: Path
    ) -> None:
        inbox.refuse_with = [503, 500, 404]
        comment = page.comment("hello")
        await settled(simulator)
        assert [line["status"] for line in attempts(journal)] == [503, 500, 404, 200]
        assert inbox.signed == inbox.bodies * 4
        assert list(tally(journal).accepted) == [comment]

    async def test_a_delivery_without_answer_comes_again(
        self, simulator: Simulation, inbox: Inbox, page: SimulatedAccount, journal: Path
    ) -> None:
        inbox.resets = 2
        page.comment("hello")
        await settled(simulator)
        assert [line["effect"] for line in attempts(journal)] == ["no_answer", "no_answer", "accepted"]

    async def test_nobody_at_the_address_is_no_answer_and_given_up_in_the_end(
        self, simulator: Simulation, page: SimulatedAccount, journal: Path
    ) -> None:
        simulator.deliveries.callback_url = "http://127.0.0.1:1/"
        comment = page.comment("hello")
        await settled(simulator)
        *tried, last = [line["effect"] for line in attempts(journal)]
        assert (set(tried), last) == ({"no_answer"}, "given_up")
        assert tally(journal).given_up == {comment}

    @pytest.mark.parametrize("fault", ["bad_signature", "missing_signature", "decoded_signature"])
    async def test_a_wrong_signature_is_refused_and_the_right_one_follows(
        self, simulator: Simulation, inbox: Inbox, page: SimulatedAccount, journal: Path, fault: str
    ) -> None:
        simulator.faults.set(fault)
        page.comment("café")
        await settled(simulator)
        assert [(line["status"], line.get("fault")) for line in attempts(journal)] == [
            (403, fault),
            (200, None),
        ]
        assert len(inbox.bodies) == 1

    async def test_duplicate_delivery(
        self, simulator: Simulation, inbox: Inbox, page: SimulatedAccount, journal: Path
    ) -> None:
        page.fault("duplicate_delivery")
        page.comment("hello")
        await settled(simulator)
        first, second = inbox.bodies
        assert first == second
        assert len(tally(journal).accepted) == 1

    async def test_drop_delivery_is_found_by_the_poll(
        self,
        simulator: Simulation,
        inbox: Inbox,
        client: PlatformClient,
        page: SimulatedAccount,
        journal: Path,
    ) -> None:
        page.fault("drop_delivery")
        comment = page.comment("hello")
        await settled(simulator)
        assert inbox.bodies == []
        assert tally(journal).given_up == {comment}
        found = [item async for item in client.activity(since=_an_hour_ago())]
        assert [item.platform_comment_id for item in found if isinstance(item, CommentEvent)] == [comment]

    async def test_reorder(self, simulator: Simulation, inbox: Inbox, page: SimulatedAccount) -> None:
        page.fault("reorder")
        first, second = page.comment("first"), page.comment("second")
        await settled(simulator)
        assert [event.platform_comment_id for event in inbox.events] == [second, first]

    async def test_a_reordered_notice_that_nothing_follows_comes_all_the_same(
        self, simulator: Simulation, inbox: Inbox, page: SimulatedAccount
    ) -> None:
        page.fault("reorder")
        comment = page.comment("alone")
        await settled(simulator)
        assert [event.platform_comment_id for event in inbox.events] == [comment]

    async def test_an_own_reply_comes_back_under_the_id_that_posting_gave(
        self,
        simulator: Simulation,
        inbox: Inbox,
        client: PlatformClient,
        page: SimulatedAccount,
        journal: Path,
    ) -> None:
        comment = page.comment("hello")
        outcome = await client.reply(comment, "hi")
        await settled(simulator)
        [own] = [event for event in inbox.events if event.kind is CommentKind.REPLY_OBSERVED]
        assert own.platform_comment_id == comment
        assert outcome == Posted(own.reply_id or "")
        assert list(tally(journal).accepted) == [comment]

    # between the webhook and the reply, and replies

    async def test_edited_between_shows_in_the_read_before_the_reply(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        before = await client.read_comment(comment)
        page.fault("edited_between")
        after = await client.read_comment(comment)
        assert after.text == "hello (edited)"
        assert before.revision_id("c") != after.revision_id("c")

    async def test_delayed_listing_is_a_reply_that_is_there_and_shows_later(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        page.fault("delayed_listing", seconds=3600)
        outcome = await client.reply(comment, "hi")
        assert isinstance(outcome, Posted)
        assert await client.own_replies(comment) == []
        assert (await client.read_comment(outcome.reply_id)).exists
        page.there(outcome.reply_id).listed_from = 0.0
        assert [own.reply_id for own in await client.own_replies(comment)] == [outcome.reply_id]

    async def test_a_reply_to_a_reply_hangs_where_the_platform_puts_it_and_is_found_there(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        top = page.comment("top")
        below = page.comment("below", parent_id=top)
        outcome = await client.reply(below, "hi")
        assert isinstance(outcome, Posted)
        flattened = CONNECTORS[client.account.platform].capabilities.replies_flattened
        assert page.there(outcome.reply_id).parent_id == (top if flattened else below)
        found = await client.own_replies(below, thread_id=top)
        assert [own.reply_id for own in found] == [outcome.reply_id]

    async def test_throttle_bare_refuses_a_reply(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        page.fault("throttle_bare")
        outcome = await client.reply(comment, "hi")
        assert isinstance(outcome, NotSent)
        assert outcome.cause is Cause.THROTTLED
        assert page.replies(comment) == []

    # the journal, and requests

    async def test_an_answer_is_journalled_before_it_is_sent(
        self, page: SimulatedAccount, client: PlatformClient, journal: Path
    ) -> None:
        for number, comment in enumerate([page.comment(str(number)) for number in range(20)], 1):
            assert isinstance(await client.reply(comment, "hi"), Posted)
            assert tally(journal).posted == number
        assert tally(journal).posted_twice == []
        await client.reply(comment, "again")
        assert tally(journal).posted_twice == [comment]

    async def test_a_reply_without_an_answer_is_journalled_with_its_fault(
        self, page: SimulatedAccount, client: PlatformClient, journal: Path
    ) -> None:
        comment = page.comment("hello")
        page.fault("created_then_reset")
        assert isinstance(await client.reply(comment, "hi"), Unknown)
        [line] = [line for line in lines(journal) if line["kind"] == "reply"]
        assert (line["effect"], line["status"], line["fault"]) == ("created", None, "created_then_reset")
        assert (line["comment_id"], line["text"]) == (comment, "hi")

    async def test_the_control_requests(self, simulator: Simulation, inbox: Inbox, journal: Path) -> None:
        async with httpx.AsyncClient(base_url=simulator.url, trust_env=False, timeout=20) as http:

            async def asked(path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
                answer = await http.post(path, json=content or {})
                assert answer.status_code == 200, answer.text
                found: dict[str, Any] = answer.json()
                return found

            made = await asked("/sim/comments", {"comments": [{"text": "a", "ref": "row 1"}, {"text": "b"}]})
            first, second = made["ids"]
            await asked(f"/sim/comments/{first}/edit", {"text": "c"})
            await asked(f"/sim/comments/{first}/hide")
            await asked(f"/sim/comments/{first}/unhide")
            await asked(f"/sim/comments/{first}/staff_reply", {"text": "d"})
            await asked(f"/sim/comments/{second}/remove")
            on = await asked("/sim/faults", {"name": "throttle", "count": 2})
            assert on == (await http.get("/sim/faults")).json()
            assert on["on"]["throttle"]["count"] == 2
            assert on["catalogue"] == dict(simulator.faults.catalogue)
            assert (await http.delete("/sim/faults")).json()["on"] == {}
            assert (
                await asked("/sim/comments", {"comments": [{"text": "e"}, {"text": "f"}], "rate": 1000}) == {}
            )
            wrong: list[tuple[str, dict[str, Any]]] = [
                ("/sim/comments", {"comments": [{"txt": "a"}]}),
                ("/sim/comments", {"comments": [{"text": "a", "post_id": "1_2"}]}),
                (f"/sim/comments/{first}/explode", {}),
                ("/sim/comments/1_2/edit", {}),
                ("/sim/faults", {"name": "earthquake"}),
            ]
            for path, content in wrong:
                answer = await http.post(path, json=content)
                assert answer.status_code == 400
                assert answer.json()["error"]
            async with asyncio.timeout(20):
                while len(tally(journal).accepted) < 4:
                    await asyncio.sleep(0.01)
            await settled(simulator)
            state = (await http.get("/sim/state")).json()
        assert (state["comments"], state["removed"], state["pending"]) == (5, 1, 0)
        found = tally(journal)
        assert (len(found.created), found.posted, found.removed) == (4, 0, {second})
        assert next(lines(journal))["ref"] == "row 1"
