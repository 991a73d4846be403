"""The simulated organisation: what is its own in deliveries, challenges, throttles, tokens and faults."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from connectors.accounts import Account
from connectors.journal import lines, tally
from connectors.linkedin.client import LinkedInClient, linkedin_client
from connectors.linkedin.errors import api_error
from connectors.linkedin.login import LinkedInLogin
from connectors.linkedin.simulator import Simulator, SimulatorConfig
from connectors.logins import Token
from connectors.outcomes import AccountStopped, Cause, NotReadable, NotSent, Posted
from connectors.simulation.serving import serving
from infra.settings import Settings
from schemas.errors import ThrottledError
from schemas.events import CommentEvent, CommentKind, utc_now
from tests.connectors.contract import NOW, _an_hour_ago
from tests.connectors.linkedin.payloads import ACTIVITY, ORGANISATION, SECRET
from tests.connectors.receiving import Inbox
from tests.connectors.simulated import SimulatedAccount, settled
from tests.connectors.simulator_contract import SimulatorContract

Make = Callable[[Settings], LinkedInClient]


@pytest.fixture
def make(simulator: Simulator, account: Account, http: httpx.AsyncClient) -> Make:
    return lambda settings: linkedin_client(account, simulator.config.member_token, http, settings)


async def polled(client: LinkedInClient) -> list[CommentEvent]:
    found = [item async for item in client.activity(since=_an_hour_ago())]
    return [item for item in found if isinstance(item, CommentEvent)]


async def test_a_post_that_is_named_by_its_activity_is_not_taken_for_deleted(make: Make) -> None:
    with pytest.raises(NotReadable):
        await make(Settings()).read_post(ACTIVITY)


def told(inbox: Inbox) -> list[dict[str, Any]]:
    """The notifications in the order of arrival."""
    return [item for payload in inbox.payloads for item in payload["notifications"]]


class TestSimulator(SimulatorContract):
    pass


# deliveries


async def test_notifications_come_in_batches_of_ten(simulator: Simulator, inbox: Inbox) -> None:
    ids = simulator.add_comments([{"text": f"number {number} 😀"} for number in range(35)])
    await settled(simulator)
    assert sorted(len(payload["notifications"]) for payload in inbox.payloads) == [5, 10, 10, 10]
    assert {item["decoratedGeneratedActivity"]["comment"]["entity"] for item in told(inbox)} == set(ids)
    assert len({item["notificationId"] for item in told(inbox)}) == 35


async def test_a_refused_delivery_comes_again_for_eight_hours(
    simulator: Simulator, inbox: Inbox, journal: Path
) -> None:
    inbox.refuse_with = [503] * 97
    [lost] = simulator.add_comments([{"text": "never"}])
    await settled(simulator)
    assert (tally(journal).accepted, tally(journal).given_up) == ({}, {lost})
    assert sum(simulator.wire.retry_after) == 8 * 3600


async def test_a_deletion_may_overtake_its_comment(
    simulator: Simulator, inbox: Inbox, page: SimulatedAccount
) -> None:
    page.fault("reorder")
    page.remove(page.comment("hello"))
    await settled(simulator)
    assert [item["action"] for item in told(inbox)] == ["COMMENT_DELETE", "COMMENT"]


async def test_a_dropped_deletion_is_found_by_the_poll(simulator: Simulator, client: LinkedInClient) -> None:
    [comment, other] = simulator.add_comments([{"text": "hello"}, {"text": "stays"}])
    found = simulator.world.comment(comment)
    assert found is not None
    simulator.happenings.remove(found, by="author")
    kinds = {event.platform_comment_id: event.kind for event in await polled(client)}
    assert kinds == {other: CommentKind.ADDED, comment: CommentKind.REMOVED}


async def test_a_deletion_is_told_without_decorations(simulator: Simulator, inbox: Inbox) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    found = simulator.world.comment(comment)
    assert found is not None
    simulator.happenings.edit(found, "better", by="author")
    simulator.happenings.set_hidden(found, True, by="staff")
    simulator.happenings.remove(found, by="author")
    await settled(simulator)
    assert {item["action"] for item in told(inbox)} == {"COMMENT", "COMMENT_EDIT", "COMMENT_DELETE"}
    [gone] = [item for item in told(inbox) if item["action"] == "COMMENT_DELETE"]
    assert "decoratedGeneratedActivity" not in gone


async def test_undecorated_and_parent_missing_are_left_to_the_poll(
    simulator: Simulator, inbox: Inbox, client: LinkedInClient
) -> None:
    simulator.faults.set("undecorated", count=1)
    [bare] = simulator.add_comments([{"text": "bare"}])
    simulator.faults.set("parent_missing", count=1)
    reply = simulator.happenings.staff_reply("ours", bare).id
    await settled(simulator)
    assert {getattr(item, "reason", None) for item in inbox.found} == {"undecorated", "own:no_parent"}
    events = {event.kind: event for event in await polled(client)}
    assert events[CommentKind.ADDED].platform_comment_id == bare
    observed = events[CommentKind.REPLY_OBSERVED]
    assert (observed.platform_comment_id, observed.reply_id) == (bare, reply)


async def test_replies_are_polled_from_their_notices_without_a_call_for_each_thread(
    simulator: Simulator, client: LinkedInClient, journal: Path
) -> None:
    comments = simulator.add_comments([{"text": str(number)} for number in range(30)])
    replies = {simulator.happenings.staff_reply("ours", comment).id for comment in comments}
    [below] = simulator.add_comments([{"text": "thanks", "parent_id": comments[0]}])
    events = await polled(client)
    assert {event.reply_id for event in events} == {None, *replies}
    assert {event.platform_comment_id for event in events if event.reply_id is None} == {*comments, below}
    assert len([line for line in lines(journal) if line["kind"] == "list"]) == 1


# challenges


async def test_a_challenge_is_passed_and_challenge_late_blocks_after_three(
    simulator: Simulator, inbox: Inbox, http: httpx.AsyncClient
) -> None:
    async def outcome() -> str:
        return str((await http.post(f"{simulator.url}/sim/challenge")).json()["outcome"])

    assert await outcome() == "validated"
    simulator.faults.set("challenge_late", count=3)
    assert [await outcome() for _ in range(4)] == ["failed", "failed", "blocked", "no_address"]
    simulator.add_comments([{"text": "nobody is told"}])
    assert (simulator.deliveries.pending, inbox.bodies) == (0, [])
    await http.post(f"{simulator.url}/sim/unblock")
    assert await outcome() == "validated"


async def test_an_answer_later_than_its_time_fails_the_challenge(journal: Path) -> None:
    asked = asyncio.Event()

    async def never(_request: Request) -> Response:
        asked.set()
        await asyncio.Event().wait()
        return Response()

    app = FastAPI()
    app.add_route("/", never, ["GET"])
    async with serving(app) as url:
        slow = Simulator(SimulatorConfig(posts=1, callback_url=f"{url}/", challenge_seconds=1.0))
        async with slow.serving():
            assert await slow.challenges.once() == "failed"
    assert asked.is_set()


# replies


@pytest.mark.parametrize("fault", ["reply_without_body", "reply_without_header"])
async def test_header_or_body_alone_name_the_reply(
    simulator: Simulator, client: LinkedInClient, fault: str
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set(fault, count=1)
    outcome = await client.reply(comment, "hi")
    [own] = await client.own_replies(comment)
    assert outcome == Posted(own.reply_id)


@pytest.mark.parametrize(
    ("fault", "cause", "wait"),
    [("comment_throttled", Cause.THROTTLED, 60), ("throttle_bare", Cause.THROTTLED, 900),
     ("comments_disabled", Cause.PERMANENT, None)],
)  # fmt: skip
async def test_what_refuses_a_reply(
    simulator: Simulator, client: LinkedInClient, fault: str, cause: Cause, wait: float | None
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set(fault, count=1)
    outcome = await client.reply(comment, "hi")
    assert isinstance(outcome, NotSent)
    assert (outcome.cause, outcome.retry_after) == (cause, wait)
    assert client.usage.regain_after == wait


async def test_throttle_by_the_days_quota_ends_at_midnight_utc(
    simulator: Simulator, client: LinkedInClient
) -> None:
    body = b'{"status":429,"message":"Resource level throttle MEMBER DAY limit is reached."}'
    error = api_error(429, body, {}, NOW.replace(hour=23, minute=0))
    assert error.retry_after == 3600
    simulator.faults.set("throttle", count=1)
    with pytest.raises(ThrottledError) as caught:
        await client.read_comment("urn:li:comment:(urn:li:activity:1,2)")
    assert 0 < (caught.value.retry_after or 0) <= 86_400


async def test_a_member_who_replies_too_fast_is_throttled_for_a_minute(
    account: Account, settings: Settings, http: httpx.AsyncClient
) -> None:
    limited = Simulator(SimulatorConfig(organisation_id=ORGANISATION, posts=1, replies_per_minute=3))
    async with limited.serving() as url:
        here = settings.model_copy(update={"linkedin_api_url": url})
        client = linkedin_client(account, "member-token", http, here)
        [comment] = limited.add_comments([{"text": "hello"}])
        outcomes = [await client.reply(comment, f"number {number}") for number in range(4)]
    assert [isinstance(outcome, Posted) for outcome in outcomes] == [True, True, True, False]
    assert isinstance(outcomes[3], NotSent)
    assert outcomes[3].retry_after == 60


async def test_little_text_cuts_what_is_not_escaped_and_the_switch_escapes(
    account: Account, settings: Settings, http: httpx.AsyncClient
) -> None:
    text = r"Use (code) #42_a \ @us"
    strict = Simulator(SimulatorConfig(organisation_id=ORGANISATION, posts=1, little_text=True))
    async with strict.serving() as url:
        [comment] = strict.add_comments([{"text": "hello"}])
        for escape, kept in ((False, "Use "), (True, text)):
            here = settings.model_copy(update={"linkedin_api_url": url, "linkedin_escape_replies": escape})
            client = linkedin_client(account, "member-token", http, here)
            assert isinstance(await client.reply(comment, text), Posted)
            assert (await client.own_replies(comment))[-1].text == kept


async def test_the_reply_limit_is_a_setting(simulator: Simulator, make: Make, settings: Settings) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    assert isinstance(await make(settings).reply(comment, "x" * 1250), Posted)
    assert isinstance(await make(settings).reply(comment, "x" * 1251), NotSent)
    longer = make(settings.model_copy(update={"linkedin_reply_limit": 3000}))
    assert isinstance(await longer.reply(comment, "x" * 1251), NotSent)  # refused by the platform: 422


async def test_an_id_of_another_platform_never_leaves(simulator: Simulator, client: LinkedInClient) -> None:
    for outcome in (await client.reply("11_22", "hi"), await client.delete("11_22")):
        assert isinstance(outcome, NotSent)
        assert outcome.cause is Cause.PERMANENT


# the account


async def test_version_sunset_names_the_setting(simulator: Simulator, make: Make, settings: Settings) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("version_sunset", count=1)
    old = make(settings.model_copy(update={"linkedin_version": "202401"}))
    for client in (make(settings), old):
        outcome = await client.reply(comment, "hi")
        assert isinstance(outcome, NotSent)
        assert "PARLEY_LINKEDIN_VERSION" in outcome.reason
        assert outcome.cause.stops_account
    with pytest.raises(AccountStopped, match="PARLEY_LINKEDIN_VERSION"):
        await old.read_comment(comment)
    assert "PARLEY_LINKEDIN_VERSION" in (await old.check()).reason


async def test_role_without_read_is_found_though_the_answer_is_an_empty_200(
    simulator: Simulator,
    client: LinkedInClient,
    account: Account,
    settings: Settings,
    http: httpx.AsyncClient,
) -> None:
    simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("role_without_read", count=1)
    check = await client.check()
    assert (check.problem, "shows none" in check.reason) == (Cause.PERMISSION, True)
    analyst = linkedin_client(account, simulator.config.analyst_token, http, settings)
    assert [event async for event in analyst.list_comments(simulator.state()["posts"][0])] == []
    check = await analyst.check()
    assert (check.problem, "ANALYST" in check.reason) == (Cause.PERMISSION, True)


async def test_a_check_tells_names_scopes_and_when_the_token_ends(client: LinkedInClient) -> None:
    check = await client.check()
    assert (check.name, check.username) == ("Parley Test Organisation", "parley-test")
    assert "w_organization_social_feed" in check.scopes
    assert check.expires_at is not None
    assert 59 <= (check.expires_at - utc_now()).days <= 60


async def test_missing_scope_is_found_by_introspection(simulator: Simulator, client: LinkedInClient) -> None:
    simulator.faults.set("missing_scope", count=1)
    assert "w_organization_social" in (await client.check()).reason


async def test_token_dies_in_the_middle_and_a_refreshed_one_lives(
    simulator: Simulator, make: Make, account: Account, settings: Settings, http: httpx.AsyncClient
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    client = make(settings)
    simulator.faults.set("token_dies", count=1)
    for _ in range(2):
        outcome = await client.reply(comment, "hi")
        assert isinstance(outcome, NotSent)
        assert outcome.cause is Cause.AUTH
    assert (await client.check()).problem is Cause.AUTH
    login = LinkedInLogin(settings)
    fresh = await login.refresh(http, Token(access="member-token", refresh="refresh-token"))
    assert fresh is not None
    assert isinstance(
        await linkedin_client(account, fresh.access, http, settings).reply(comment, "hi"), Posted
    )
    assert await login.refresh(http, Token(access="member-token")) is None


async def test_refresh_refused_says_to_log_in_again(
    simulator: Simulator, settings: Settings, http: httpx.AsyncClient
) -> None:
    simulator.faults.set("refresh_refused", count=1)
    with pytest.raises(AccountStopped, match="log in again") as caught:
        await LinkedInLogin(settings).refresh(http, Token(access="a", refresh="refresh-token"))
    assert caught.value.cause is Cause.AUTH


async def test_no_notices_means_that_the_newest_posts_are_looked_at(
    simulator: Simulator, client: LinkedInClient
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    reply = simulator.happenings.staff_reply("ours", comment).id
    simulator.faults.set("no_notices", count=1)
    events = await polled(client)
    assert [(event.platform_comment_id, event.reply_id) for event in events] == [
        (comment, None),
        (comment, reply),
    ]


# reads


@pytest.mark.parametrize("fault", ["no_links", "no_total"])
async def test_pages_are_followed_with_whatever_they_name(
    simulator: Simulator, client: LinkedInClient, fault: str
) -> None:
    ids = simulator.add_comments([{"text": str(number)} for number in range(230)])
    simulator.faults.set(fault)
    listed = [event async for event in client.list_comments(simulator.state()["posts"][0])]
    assert [event.platform_comment_id for event in listed if isinstance(event, CommentEvent)] == ids


async def test_calls_without_version_protocol_or_token_are_refused(simulator: Simulator) -> None:
    good = {
        "Authorization": "Bearer member-token",
        "LinkedIn-Version": "202609",
        "X-Restli-Protocol-Version": "2.0.0",
    }
    path = f"/rest/posts/{simulator.state()['posts'][0]}"
    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as http:
        assert (await http.get(path, headers=good)).status_code == 200
        for name, status in (
            ("LinkedIn-Version", 400),
            ("X-Restli-Protocol-Version", 400),
            ("Authorization", 401),
        ):
            left = {key: value for key, value in good.items() if key != name}
            assert (await http.get(path, headers=left)).status_code == status


async def test_a_patch_edits_a_comment_and_is_no_reply(simulator: Simulator) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    found = simulator.world.comment(comment)
    assert found is not None
    headers = {
        "Authorization": "Bearer member-token",
        "LinkedIn-Version": "202609",
        "X-Restli-Protocol-Version": "2.0.0",
        "X-RestLi-Method": "PARTIAL_UPDATE",
    }
    path = f"/rest/socialActions/{found.post_id}/comments/{comment.rpartition(',')[2].rstrip(')')}"
    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as http:
        patch = {"patch": {"message": {"$set": {"text": "edited"}}}}
        assert (await http.post(path, headers=headers, json=patch)).status_code == 204
    assert (found.text, found.replies) == ("edited", [])


async def test_a_login_never_sends_a_code_verifier(simulator: Simulator, http: httpx.AsyncClient) -> None:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-token",
        "client_id": "client-id",
        "client_secret": SECRET,
    }
    url = f"{simulator.url}/oauth/v2/accessToken"
    assert (await http.post(url, data=form)).status_code == 200
    assert (await http.post(url, data={**form, "code_verifier": "v"})).status_code == 401
