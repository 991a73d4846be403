"""Payloads that others recorded: every comment maps, every other thing is ignored by name.

The recordings lie beside the repository, not in it; without them these tests say that they skip.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.accounts import Account
from connectors.instagram.mapping import author_of, from_listing
from connectors.instagram.reading import comment_state, replies_in
from connectors.instagram.webhook import InstagramWebhook
from connectors.meta.errors import graph_error, outcome_of
from connectors.meta.graph import Graph
from connectors.meta.paging import pages
from connectors.outcomes import Cause, NotSent
from connectors.webhook import Ignored
from schemas.events import CommentEvent, CommentKind, Platform, Source
from tests.connectors.contract import NOW, mapped, only_event

RECORDED = Path(__file__).parents[4] / "shared" / "fixtures" / "instagram"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded payloads (../shared/fixtures) are not beside this checkout"
)

WEBHOOK = InstagramWebhook(app_secret="s", verify_token="w")
ME = Account(tenant_id="t", platform=Platform.INSTAGRAM, account_id="0", username="own")


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())


def listed(item: Any, parent_id: str | None = None) -> CommentEvent:
    event = from_listing(item, ME, post_id="4", parent_id=parent_id, observed_at=NOW, source=Source.POLL)
    assert isinstance(event, CommentEvent)
    return event


def test_a_recorded_comment_maps() -> None:
    event = only_event(WEBHOOK, ME, recorded("restfb/webhooks/wh-comments-2021.json"))
    assert (event.kind, event.platform_comment_id, event.platform_parent_id) == (
        CommentKind.ADDED,
        "123456789",
        "987654321",
    )
    assert (event.platform_post_id, event.author_id, event.author_name) == (
        "76543987",
        "1234536447",
        "testuser",
    )
    assert event.text == "This is an example."
    assert event.occurred_at.timestamp() == 1519399307


@pytest.mark.parametrize("name", ["wh-comments", "wh-livecomments"])
def test_a_recorded_comment_of_id_and_text_alone_maps(name: str) -> None:
    event = only_event(WEBHOOK, ME, recorded(f"restfb/webhooks/{name}.json"))
    assert (event.kind, event.platform_comment_id, event.text) == (
        CommentKind.ADDED,
        "123456789",
        "This is an example.",
    )
    assert (event.author_id, event.platform_post_id) == (None, None)


def test_a_recorded_mention_is_ignored_by_name() -> None:
    assert mapped(WEBHOOK, ME, recorded("restfb/webhooks/wh-mentions.json")) == [Ignored("field:mentions")]


def test_every_recorded_webhook_is_named_here() -> None:
    there = {path.stem for path in (RECORDED / "restfb" / "webhooks").glob("*.json")}
    assert there == {"wh-comments-2021", "wh-comments", "wh-livecomments", "wh-mentions"}


async def test_recorded_pages_are_read_to_the_one_without_paging() -> None:
    bodies = [recorded(f"python-facebook/medias-comments_p{number}.json") for number in (1, 2)]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=bodies[1 if "after" in request.url.params else 0])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        graph = Graph(http, base_url="http://x", version="v1.0", token="t", app_secret=None, timeout=5)
        items = [item async for item in pages(graph, "40716467170451671", "comments", {})]
    events = [listed(item) for item in items]
    assert [event.platform_comment_id for event in events] == [
        "43107067053033605",
        "44817139304113179",
        "45961980135281645",
        "47462918317181152",
    ]
    assert all(event.created_at and event.created_at.year == 2020 for event in events)


def test_recorded_replies_and_comments_by_id_map() -> None:
    [reply] = recorded("python-facebook/comments-replies.json")["data"]
    assert listed(reply, "1").platform_parent_id == "1"
    for item in recorded("python-facebook/comments-comments_fields.json").values():
        assert listed(item).author_name == item["username"]
    assert listed(recorded("python-facebook/comments-comment_fields.json")).text == "@xxxxxxxx Xxx, xxxx"


@pytest.mark.parametrize(
    "name",
    [
        "restfb/graph/comment.json",
        "restfb/graph/comment_missing_user.json",
        "python-facebook/model_ig_comment.json",
    ],
)
def test_recorded_nodes_are_read(name: str) -> None:
    node = recorded(name)
    state = comment_state(node, ME, NOW)
    assert (state.exists, state.text, state.is_hidden) == (True, node["text"], False)
    assert state.author_id == node.get("user", {}).get("id")
    below, complete = replies_in(node)
    assert complete
    assert len(below) == len(node.get("replies", {"data": []})["data"])


def test_a_recorded_mentioned_comment_has_an_author_by_name() -> None:
    node = recorded("python-facebook/users-mentioned_comment.json")["mentioned_comment"]
    assert author_of(node) == (None, node["username"])


def test_a_recorded_error_of_instagram_login_is_no_created_reply() -> None:
    body = (RECORDED / "restfb" / "errors" / "ig_login_exception.json").read_bytes()
    outcome = outcome_of(graph_error(400, body))
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.PERMANENT
