"""Payloads that others recorded: every comment maps, every other thing is ignored by name.

The recordings lie beside the repository, not in it; without them these tests say that they skip.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.accounts import Account
from connectors.facebook import CONNECTOR
from connectors.facebook.login import facebook_login
from connectors.facebook.mapping import attachment_kinds, from_listing
from connectors.facebook.poller import post_event
from connectors.facebook.reading import comment_state
from connectors.facebook.webhook import FacebookWebhook
from connectors.meta.errors import graph_error, is_gone, outcome_of
from connectors.outcomes import Cause, NotSent, Unknown
from connectors.webhook import Ignored
from infra.settings import Settings
from schemas.events import CommentEvent, CommentKind, Platform, Source
from tests.connectors.contract import NOW, mapped, only_event

RECORDED = Path(__file__).parents[4] / "shared" / "fixtures" / "facebook"
WEBHOOKS = RECORDED / "restfb" / "webhooks"

pytestmark = pytest.mark.skipif(
    not WEBHOOKS.is_dir(), reason="the recorded payloads (../shared/fixtures) are not beside this checkout"
)

PAGE = "1234567890321"
WEBHOOK = FacebookWebhook(app_secret="s", verify_token="w")
ACCOUNT = Account(tenant_id="t", platform=Platform.FACEBOOK, account_id=PAGE)

COMMENTS = {
    "feed-comment-add-211": CommentKind.ADDED,
    "feed-comment-add-25": CommentKind.ADDED,
    "feed-comment-add-with-photo": CommentKind.ADDED,
    "feed-comment-add-with-video": CommentKind.ADDED,
    "feed-comment-edited-25": CommentKind.EDITED,
    "feed-comment-edited-with-photo": CommentKind.EDITED,
    "feed-comment-edited-with-video": CommentKind.EDITED,
    "feed-comment-hide": CommentKind.HIDDEN,
    "feed-comment-unhide": CommentKind.HIDDEN,
    "feed-comment-remove-25": CommentKind.REMOVED,
}
OTHERS = {
    "feed-album": "item:album",
    "feed-event": "item:event",
    "feed-like": "item:like",
    "feed-photo": "item:photo",
    "feed-post": "item:post",
    "feed-reaction": "item:reaction",
    "feed-share": "item:share",
    "feed-status": "item:status",
    "feed-video": "item:video",
    "mention-": "field:mention",
    "ratings-": "field:ratings",
    "unknown-change-value": "field:foo",
}


def names() -> list[str]:
    return sorted(file.stem for file in WEBHOOKS.glob("*.json")) if WEBHOOKS.is_dir() else []


def payload(name: str) -> Any:
    return json.loads((WEBHOOKS / f"{name}.json").read_text(encoding="utf-8"))


def graph(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def by_somebody_else(name: str) -> Any:
    """The recording, with an author who is not the page (they were anonymised into one)."""
    content = payload(name)
    value = content["entry"][0]["changes"][0]["value"]
    if "from" in value:
        value["from"]["id"] = "42"
    else:
        value["sender_id"] = 42
    return content


@pytest.mark.parametrize("name", [name for name in names() if name in COMMENTS])
def test_a_recorded_comment_maps(name: str) -> None:
    content = by_somebody_else(name)
    value = content["entry"][0]["changes"][0]["value"]
    event = only_event(WEBHOOK, ACCOUNT, content)
    assert event.kind is COMMENTS[name]
    assert event.platform_comment_id == value["comment_id"]
    assert event.platform_post_id == value["post_id"]
    assert event.platform_parent_id is None
    assert (event.author_id, event.author_name) == ("42", "John Doe" if "remove" in name else "Tester")
    assert event.text == (value["message"] if event.kind.has_wording else None)
    kinds = [item.kind for item in event.attachments]
    assert kinds == [kind for kind in ("photo", "video") if kind in name]
    assert event.is_hidden == {"feed-comment-hide": True, "feed-comment-unhide": False}.get(name)
    assert int(event.occurred_at.timestamp()) == content["entry"][0]["time"]


@pytest.mark.parametrize("name", [name for name in names() if name in COMMENTS])
def test_a_recorded_comment_by_the_page_itself_is_not_taken_for_a_customers(name: str) -> None:
    [found] = mapped(WEBHOOK, ACCOUNT, payload(name))
    if COMMENTS[name].has_wording:
        assert found == Ignored("own:top_level")
    else:
        assert isinstance(found, CommentEvent)


@pytest.mark.parametrize("name", [name for name in names() if name not in COMMENTS])
def test_what_is_no_comment_is_ignored_by_name(name: str) -> None:
    found = mapped(WEBHOOK, ACCOUNT, payload(name))
    if name == "feed-two-entries-25":
        assert found == [Ignored("field:parking"), Ignored("field:payment_options")]
    else:
        assert found == [Ignored(next(reason for start, reason in OTHERS.items() if name.startswith(start)))]


@pytest.mark.parametrize("name", ["comments_p1", "comments_p2"])
def test_recorded_listings_without_ids_are_read_from_their_permalinks(name: str) -> None:
    page = json.loads((RECORDED / "python-facebook" / "comments" / f"{name}.json").read_text("utf-8"))
    account = Account(tenant_id="t", platform=Platform.FACEBOOK, account_id="19292868552")
    post = "19292868552_15873663440571494"
    for item in page["data"]:
        event = from_listing(item, account, post, NOW, Source.POLL)
        assert isinstance(event, CommentEvent)
        assert event.platform_comment_id.startswith("15873663440571494_")
        assert ("reply_comment_id" in item["permalink_url"]) == (event.platform_parent_id is not None)
        assert event.created_at is not None
        assert event.created_at.year == 2021


NODES = [
    ("python-facebook/comments/comment_info", "Xxxx xx xxxxxx xxxx"),
    ("python-facebook/comments/create_resp", "Message from api and updated"),
    ("restfb/graph/v2_2-comment-issue286", "new comment"),
    ("restfb/graph/v2_2-comment_canHide", "yes, really great"),
    ("restfb/graph/v2_2-comment_noCanHide", "yes, really great"),
    ("restfb/graph/v2_2-comment_object", "this is awesome!"),
    ("restfb/graph/v2_9-comment-messagetags", None),
    ("restfb/graph/v2_9-comment-permalink", "we have to add some comment :)"),
]


@pytest.mark.parametrize(("name", "text"), NODES)
def test_a_recorded_comment_node_is_read_and_listed(name: str, text: str | None) -> None:
    node = graph(name)
    state = comment_state(node, node["id"], PAGE, NOW)
    assert (state.exists, state.text or None) == (True, text)
    assert state.is_hidden is (node.get("is_hidden") is True)
    assert state.author_id == node.get("from", {}).get("id")
    event = from_listing(node, ACCOUNT, f"{PAGE}_1", NOW, Source.POLL)
    assert isinstance(event, CommentEvent)
    assert (event.kind, event.platform_comment_id) == (CommentKind.ADDED, node["id"])
    assert event.revision_id == state.revision_id(event.comment_id)


def test_recorded_comments_by_id_are_read() -> None:
    for name, node in graph("python-facebook/comments/comments_info").items():
        assert comment_state(node, name, PAGE, NOW).text == node["message"]


@pytest.mark.parametrize("name", ["post-with-normal-comments", "v5_0-post-with-comment"])
def test_comments_recorded_within_a_post_are_listed(name: str) -> None:
    post = graph(f"restfb/graph/{name}")
    for item in post["comments"]["data"]:
        event = from_listing(item, ACCOUNT, post["id"], NOW, Source.POLL)
        assert isinstance(event, CommentEvent)
        assert event.text == item["message"]


@pytest.mark.parametrize(
    "name",
    [
        "post-with-comment-count-only",
        "post-with-empty-comments",
        "post-with-normal-comments",
        "v5_0-post-with-comment",
    ],
)
def test_a_recorded_post_is_read(name: str) -> None:
    post = graph(f"restfb/graph/{name}")
    event = post_event(post, ACCOUNT, NOW)
    assert (event.platform_post_id, event.text or None) == (post["id"], post.get("message"))


async def test_recorded_answers_of_the_login_open_the_page() -> None:
    """A code is exchanged, the token lengthened, and the person's pages listed."""
    listed = graph("python-facebook/auth/user_accounts_token")

    def answer(request: httpx.Request) -> httpx.Response:
        token = graph("python-facebook/auth/long_term_token")
        return httpx.Response(200, json=listed if request.url.path.endswith("/accounts") else token)

    settings = Settings(facebook_app_id="appId", facebook_app_secret="s")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        login = facebook_login(settings)
        granted = await login.exchange(http, code="c", redirect_uri="http://127.0.0.1/", verifier="v" * 43)
    [page] = listed["data"]
    assert [(each.account_id, each.name, each.token.access) for each in granted] == [
        (page["id"], page["name"], page["access_token"])
    ]


async def test_a_recorded_token_of_a_person_without_the_rights_is_found() -> None:
    told = graph("python-facebook/auth/token_info")

    def answer(request: httpx.Request) -> httpx.Response:
        found = told if request.url.path.endswith("debug_token") else {"id": PAGE, "name": "Page"}
        return httpx.Response(200, json=found)

    settings = Settings(facebook_app_id="appId", facebook_app_secret="s")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        check = await CONNECTOR.client(ACCOUNT, "t", http, settings).check()
    assert check.problem in (Cause.AUTH, Cause.PERMISSION)
    assert check.reason


def test_every_recording_is_named_here() -> None:
    """A file that is added beside this checkout must be read, or be said not to be."""
    own = Path(__file__).read_text("utf-8")
    files = [path for path in RECORDED.rglob("*.json") if path.parent != WEBHOOKS]
    assert [path.name for path in files if f"{path.stem}" not in own] == []


def test_a_recorded_photo_is_the_attachment_that_a_webhook_would_name() -> None:
    file = RECORDED / "python-facebook" / "comments" / "model_comment.json"
    assert attachment_kinds(json.loads(file.read_text("utf-8"))) == ("photo",)


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        ("restfb/errors/exampleError.json", Cause.AUTH),
        ("restfb/errors/exampleErrorNew.json", Cause.AUTH),
        ("restfb/errors/threads-exception-100-33.json", Cause.GONE),
        ("restfb/errors/oauthExampleError.json", None),
        ("restfb/errors/exampleOauthError.json", None),
        ("python-facebook/errors/error.json", Cause.AUTH),
        ("python-facebook/errors/error_data.json", Cause.PERMISSION),
    ],
)
def test_recorded_errors_are_understood(file: str, cause: Cause | None) -> None:
    outcome = outcome_of(graph_error(400, (RECORDED / file).read_bytes()))
    assert outcome.cause is cause if isinstance(outcome, NotSent) else cause is None
    assert isinstance(outcome, (NotSent, Unknown))


def test_a_recorded_missing_object_without_subcode_is_gone() -> None:
    batch = json.loads((RECORDED / "restfb" / "errors" / "batch-first-error.json").read_text("utf-8"))
    assert is_gone(graph_error(batch[0]["code"], batch[0]["body"].encode()))
