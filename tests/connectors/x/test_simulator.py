"""The simulated X: deliveries, challenge, tokens, faults of its catalogue, answers as X's schemas say."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from connectors.accounts import Account
from connectors.journal import lines
from connectors.logins import Token
from connectors.outcomes import AccountStopped, Cause, NotSent, Posted
from connectors.x.client import XClient, x_client
from connectors.x.login import x_login
from connectors.x.simulator import Simulator, SimulatorConfig
from infra.settings import Settings
from schemas.errors import ParleyError, ThrottledError, TransientError
from schemas.events import CommentEvent, CommentKind, utc_now
from tests.connectors.receiving import Kafka, received
from tests.connectors.simulated import SimulatedAccount, settled
from tests.connectors.simulator_contract import SimulatorContract

OPENAPI = Path(__file__).parents[4] / "shared" / "fixtures" / "x" / "xdevplatform-docs"


class TestSimulator(SimulatorContract):
    pass


# deliveries


async def test_an_edit_arrives_as_another_wording_of_the_same_comment(
    simulator: Simulator, kafka: Kafka, client: XClient, page: SimulatedAccount
) -> None:
    comment = page.comment("first")
    page.edit(comment, "second")
    page.edit(comment, "third")
    await settled(simulator)
    assert kafka.of(CommentKind.EDITED) == {comment: 2}
    assert (await client.read_comment(comment)).text == "third"
    [listed] = [event async for event in client.list_comments(page.post_id)]
    assert isinstance(listed, CommentEvent)
    assert (listed.platform_comment_id, listed.text) == (comment, "third")


async def test_a_thousand_posts_arrive_in_one_delivery_of_the_older_form(
    config: SimulatorConfig, settings: Settings, account: Account
) -> None:
    made = Simulator(replace(config, legacy_webhooks=True, changes_per_delivery=1000, gather_seconds=0.2))
    async with received(made, settings, account, Kafka()) as kafka, made.serving():
        ids = made.add_comments([{"text": f"comment {number}"} for number in range(1000)])
        await settled(made)
    assert kafka.of(CommentKind.ADDED).keys() == set(ids)


async def test_the_challenge_is_passed_by_the_receiver_and_failed_by_others(
    simulator: Simulator, kafka: Kafka, http: httpx.AsyncClient
) -> None:
    assert (await http.post(f"{simulator.url}/sim/challenge")).json() == {"passed": True}
    app = {"Authorization": "Bearer app-token"}
    good = {"url": simulator.deliveries.callback_url}
    made = await http.post(f"{simulator.url}/2/webhooks", json=good, headers=app)
    assert made.json()["data"]["valid"] is True
    wrong = {"url": f"{simulator.url}/sim/state"}
    refused = await http.post(f"{simulator.url}/2/webhooks", json=wrong, headers=app)
    assert (refused.status_code, refused.json()["title"]) == (400, "CrcValidationFailed")


# the account


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("unsummoned", Cause.PERMANENT),
        ("duplicate_text", Cause.PERMANENT),
        ("throttle", Cause.THROTTLED),
        ("throttle_bare", Cause.THROTTLED),
        ("throttle_code", Cause.THROTTLED),
        ("usage_capped", Cause.THROTTLED),
        ("no_credits", Cause.PERMISSION),
        ("app_only_token", Cause.AUTH),
        ("expired_token", Cause.AUTH),
        ("blocked", Cause.BLOCKED),
        ("missing_permission", Cause.PERMISSION),
        ("deleted_before_reply", Cause.GONE),
    ],
)
async def test_a_refusal_is_told_from_all_others(
    page: SimulatedAccount, client: XClient, fault: str, cause: Cause
) -> None:
    comment = page.comment("hello")
    page.fault(fault)
    outcome = await client.reply(comment, "hi")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is cause
    assert page.replies(comment) == []
    if fault == "throttle_bare":
        assert outcome.retry_after is None
    elif cause is Cause.THROTTLED:
        assert outcome.retry_after is not None
        assert outcome.retry_after > 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("throttle", ThrottledError),
        ("throttle_bare", ThrottledError),
        ("throttle_code", ThrottledError),
        ("usage_capped", ThrottledError),
        ("no_credits", AccountStopped),
        ("app_only_token", AccountStopped),
        ("blocked", AccountStopped),
        ("read_error", TransientError),
    ],
)
async def test_a_read_fails_by_name(
    page: SimulatedAccount, client: XClient, fault: str, error: type[ParleyError], journal: Path
) -> None:
    comment = page.comment("hello")
    page.fault(fault)
    with pytest.raises(error):
        await client.read_comment(comment)
    # One request: tweepy by itself would call again without end on a 429 that names no time.
    assert [line["kind"] for line in lines(journal)].count("read") == 1


async def test_staff_answering_an_edited_comment_is_found_under_its_first_id(
    page: SimulatedAccount, client: XClient
) -> None:
    comment = page.comment("hello")
    page.edit(comment, "hello again")
    reply = page.staff_reply(comment, "by staff")
    assert [own.reply_id for own in await client.own_replies(comment)] == [reply]


async def test_only_posts_that_name_the_account_may_be_answered_by_self_serve_apps(
    config: SimulatorConfig, client: XClient
) -> None:
    made = Simulator(replace(config, summons_required=True))
    async with made.serving():
        client._tweepy._base = made.url
        for text, answered in (("hello", False), ("hello @Parley_Test", True)):
            [comment] = made.add_comments([{"text": text}])
            assert isinstance(await client.reply(comment, "hi"), Posted) is answered
            [event] = [
                e
                async for e in client.list_comments(next(iter(made.world.posts)))
                if isinstance(e, CommentEvent) and (e.platform_comment_id, e.reply_id) == (comment, None)
            ]
            assert event.mentions_account is answered


async def test_a_mention_in_a_conversation_of_its_own_is_polled(
    page: SimulatedAccount, client: XClient
) -> None:
    comment = page.comment("what of @parley_test?", post_id="elsewhere")
    page.comment("nobody is named here", post_id="elsewhere")
    since = utc_now() - timedelta(hours=1)
    [event] = [item async for item in client.activity(since=since) if isinstance(item, CommentEvent)]
    assert (event.platform_comment_id, event.platform_post_id) == (comment, comment)
    assert event.mentions_account is True


async def test_an_answer_among_others_is_polled_with_what_it_answers(
    page: SimulatedAccount, client: XClient
) -> None:
    first = page.comment("hello")
    second = page.comment("hello to you", parent_id=first)
    since = utc_now() - timedelta(hours=1)
    events = [item async for item in client.activity(since=since) if isinstance(item, CommentEvent)]
    assert [(e.platform_comment_id, e.platform_parent_id) for e in events] == [(first, None), (second, first)]


async def test_a_long_text_is_read_whole(page: SimulatedAccount, client: XClient) -> None:
    text = "So long that it does not fit into a post of old. " * 20
    comment = page.comment(text)
    assert (await client.read_comment(comment)).text == text


async def test_a_listing_refuses_what_search_does_not_hold_but_a_poll_asks_for_less(
    page: SimulatedAccount, client: XClient
) -> None:
    page.comment("hello")
    found = [i async for i in client.activity(since=utc_now() - timedelta(days=30))]
    assert [item for item in found if isinstance(item, CommentEvent)]


async def test_limits_are_told_and_end_in_429_with_the_time_they_begin_anew(
    config: SimulatorConfig, client: XClient
) -> None:
    made = Simulator(replace(config, scale=0.05))
    async with made.serving():
        client._tweepy._base = made.url
        [comment] = made.add_comments([{"text": "hello"}])
        outcomes = [await client.reply(comment, f"reply {number}") for number in range(6)]
    assert [isinstance(outcome, Posted) for outcome in outcomes] == [True] * 5 + [False]
    last = outcomes[-1]
    assert isinstance(last, NotSent)
    assert last.retry_after is not None
    assert 0 < last.retry_after <= 900
    assert client.usage.percent == 100
    assert client.usage.regain_after is not None


# tokens


async def test_a_token_that_ends_is_refreshed_once_and_the_old_refresh_token_is_dead(
    simulator: Simulator, settings: Settings, http: httpx.AsyncClient, client: XClient, page: SimulatedAccount
) -> None:
    comment = page.comment("hello")
    await http.post(f"{simulator.url}/sim/expire")
    with pytest.raises(AccountStopped) as caught:
        await client.read_comment(comment)
    assert caught.value.cause is Cause.AUTH
    login, old = x_login(settings), Token(access="user-token", refresh="refresh-token")
    new = await login.refresh(http, old)
    assert new is not None
    assert new.refresh not in (None, old.refresh)
    client._tweepy.bearer_token = new.access
    assert (await client.read_comment(comment)).exists
    with pytest.raises(AccountStopped):
        await login.refresh(http, old)
    assert await login.refresh(http, Token(access="a")) is None


# answers against X's own schemas


@pytest.mark.parametrize("names", ["tweet", "post"])
async def test_answers_fit_the_official_schemas(
    config: SimulatorConfig, account: Account, http: httpx.AsyncClient, settings: Settings, names: Any
) -> None:
    version = "2.166" if names == "tweet" else "2.167"
    path = OPENAPI / f"openapi-{version}.reduced.json"
    if not path.is_file():
        pytest.skip("X's OpenAPI document (../shared/fixtures) is not beside this checkout")
    document = json.loads(path.read_text())
    made = Simulator(replace(config, field_names=names, callback_url="http://127.0.0.1:9/nobody"))
    checked: Counter[str] = Counter()

    async def check(response: httpx.Response) -> None:
        await response.aread()
        checked[validated(document, response)] += 1

    watching = httpx.AsyncClient(trust_env=False, event_hooks={"response": [check]})
    async with made.serving(), watching:
        chosen = settings.model_copy(update={"x_api_url": made.url, "x_field_names": names})
        client = x_client(account, "user-token", watching, chosen)
        page = SimulatedAccount(made)
        comment = page.comment("hello @parley_test " + "and so on " * 40)
        page.edit(comment, "hello <again>")
        reply = await client.reply(comment, "hi")
        assert isinstance(reply, Posted)
        [item async for item in client.activity(since=utc_now() - timedelta(hours=1))]
        await client.read_comment(comment)
        await client.check()
        await client.hide(comment)
        await client.delete(reply.reply_id)
        await client.delete(reply.reply_id)
        await client.read_comment(reply.reply_id)
        for params in ({"max_results": "3"}, {"pagination_token": "§"}):
            url = f"{made.url}/2/users/{account.account_id}/mentions"
            asked = await watching.get(url, params=params, headers={"Authorization": "Bearer user-token"})
            assert asked.status_code == 400
    assert set(checked) >= {
        "get /2/users/{id}/mentions 200",
        "get /2/tweets/{id} 200",
        "get /2/users/me 200",
        "post /2/tweets 201",
        "delete /2/tweets/{id} 200",
        "put /2/tweets/{tweet_id}/hidden 200",
        "get /2/webhooks 200",
        "get /2/users/{id}/mentions 400",
    }


def validated(document: dict[str, Any], response: httpx.Response) -> str:
    """Holds an answer to the document; its path, method and status, or nothing for what is not in there."""
    method, given = response.request.method.lower(), response.request.url.path
    for path, methods in document["paths"].items():
        if method in methods and re.fullmatch(re.sub(r"\{\w+\}", r"\\d+", path), given):
            answers = methods[method]["responses"]
            told = answers.get(str(response.status_code), answers["default"])
            media = response.headers["content-type"].partition(";")[0]
            schema = {**told["content"][media]["schema"], "components": document["components"]}
            Draft202012Validator(schema).validate(response.json())
            return f"{method} {path} {response.status_code}"
    return ""


async def test_a_host_that_cannot_be_reached_leaves_nothing_in_doubt(client: XClient) -> None:
    client._tweepy._base = "http://127.0.0.1:9"
    outcome = await client.reply("5", "hi")
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.TRANSIENT
    with pytest.raises(TransientError):
        await client.read_comment("5")


async def test_an_id_that_cannot_be_one_is_never_asked_for(client: XClient, journal: Path) -> None:
    assert not (await client.read_comment("../users/me")).exists
    assert await client.own_replies("x") == []
    for outcome in (await client.reply("x", "hi"), await client.hide("x"), await client.delete("x")):
        assert isinstance(outcome, NotSent)
    assert not list(lines(journal))
