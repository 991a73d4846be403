"""Payloads that others recorded: every comment maps, and the client lives with every answer.

The recordings lie beside the repository, not in it; without them these tests say that they skip.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.accounts import Account
from connectors.outcomes import Done, Posted
from connectors.webhook import Ignored
from connectors.x.api import Tweepy
from connectors.x.client import XClient
from connectors.x.mapping import from_post, post_event
from schemas.codec import load
from schemas.events import CommentEvent, CommentKind, Platform, Source
from tests.connectors.contract import NOW

RECORDED = Path(__file__).parents[4] / "shared" / "fixtures" / "x"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded payloads (../shared/fixtures) are not beside this checkout"
)

TWITTER = Account(tenant_id="t", platform=Platform.X, account_id="783214", username="Twitter")


def exchanges(name: str) -> list[Any]:
    return list(json.loads((RECORDED / "tweepy" / f"{name}.json").read_text()))


def playground(name: str) -> list[Any]:
    return list(json.loads((RECORDED / "xdevplatform-playground" / f"{name}.json").read_text()))


def client(name: str) -> XClient:
    """A client that is answered by the recording, in its order."""
    answers = iter(exchanges(name))

    def answer(request: httpx.Request) -> httpx.Response:
        recorded = next(answers)
        asked = recorded["request"]
        assert (request.method, request.url.path) == (asked["method"], httpx.URL(asked["uri"]).path)
        response = recorded["response"]
        skipped = ("content-encoding", "content-length")
        headers = {key: value for key, value in response["headers"].items() if key.lower() not in skipped}
        return httpx.Response(response["status"]["code"], headers=headers, json=response["body"])

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return XClient(TWITTER, Tweepy(http, base_url="https://api.x.com", token="t", timeout=5))


@pytest.mark.parametrize("name", ["test_asyncclient_get_users_mentions", "test_client_get_users_mentions"])
def test_every_recorded_mention_is_a_comment(name: str) -> None:
    posts = [item for each in exchanges(name) for item in each["response"]["body"]["data"]]
    assert posts
    for item in posts:
        event = from_post(item, None, TWITTER, NOW, Source.POLL, concerns_account=True)
        assert isinstance(event, CommentEvent)
        assert event.kind is CommentKind.ADDED
        assert event.platform_comment_id == item["edit_history_tweet_ids"][0]
        assert (event.author_id, event.mentions_account) == (None, None)
        assert load().decode(load().encode(event), CommentEvent) == event


@pytest.mark.parametrize("name", ["test_asyncclient_get_tweets", "test_client_get_tweet"])
def test_recorded_posts_that_do_not_name_the_account_are_ignored_by_name(name: str) -> None:
    for each in exchanges(name):
        data = each["response"]["body"]["data"]
        for item in data if isinstance(data, list) else [data]:
            assert from_post(item, None, TWITTER, NOW, Source.WEBHOOK) == Ignored("post:other")
            assert post_event(item, None, TWITTER, NOW).platform_post_id == item["id"]


def test_the_simulators_own_noise_of_x_maps_or_is_ignored_by_name() -> None:
    [example] = json.loads(
        (RECORDED / "xdevplatform-playground" / "users_id_mentions.reduced.json").read_text()
    )
    for item in example["response"]["data"]:
        found = from_post(item, example["response"]["includes"], TWITTER, NOW, Source.POLL)
        assert isinstance(found, (CommentEvent, Ignored))


async def test_a_recorded_create_without_edit_history_is_understood() -> None:
    made = client("test_client_create_tweet_with_community")
    assert await made.reply("20", "Test tweet in community") == Posted("1234567890")


def test_the_playgrounds_post_is_no_comment_of_ours() -> None:
    [example] = playground("tweets_by_id")
    item = example["response"]["data"]
    found = from_post(item, None, TWITTER, NOW, Source.WEBHOOK)
    assert found == Ignored("post:other")
    assert post_event(item, None, TWITTER, NOW).text == item["text"]


async def test_the_playgrounds_hide_that_did_not_hide_is_no_success() -> None:
    [example] = playground("tweets_tweet_id_hidden")

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=example["response"])

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    made = XClient(TWITTER, Tweepy(http, base_url="https://api.x.com", token="t", timeout=5))
    assert await made.hide("1", hidden=False) == Done()
    assert await made.hide("1") != Done()


async def test_the_playgrounds_webhooks_are_none_that_passed_the_challenge() -> None:
    listed = playground("webhooks")[0]["response"]
    subscription = {
        "filter": {"user_id": TWITTER.account_id},
        "webhook_id": listed["data"][0]["id"],
        "event_type": "post.create",
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/me"):
            return httpx.Response(200, json={"data": {"id": TWITTER.account_id, "username": "Twitter"}})
        there = listed if request.url.path.endswith("webhooks") else {"data": [subscription]}
        return httpx.Response(200, json=there)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    tweepy = Tweepy(http, base_url="https://api.x.com", token="t", timeout=5)
    check = await XClient(TWITTER, tweepy, tweepy).check()
    assert (check.problem, check.subscribed) == (None, False)


@pytest.mark.parametrize(
    "name", ["test_asyncclient_create_and_delete_tweet", "test_client_create_and_delete_tweet"]
)
async def test_a_recorded_create_and_delete_are_understood(name: str) -> None:
    made = client(name)
    recorded = exchanges(name)[0]["response"]["body"]["data"]["id"]
    assert await made.reply("20", "Test Tweet") == Posted(recorded)
    assert await made.delete(recorded) == Done()
    assert made.usage.percent == pytest.approx(0.0)  # the recorded windows ended years ago


async def test_recorded_hides_are_understood() -> None:
    made = client("test_client_hide_and_unhide_reply")
    assert await made.hide("1499036032116905860") == Done()
    assert await made.hide("1499036032116905860", hidden=False) == Done()


async def test_a_recorded_read_of_a_post_is_understood() -> None:
    state = await client("test_client_get_tweet").read_comment("1347958703287395500")
    assert state.exists
    assert state.text


async def test_a_recorded_user_is_known_to_be_another() -> None:
    check = await client("test_client_get_me").check()
    assert check.problem is not None
    assert check.username
