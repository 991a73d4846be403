"""How far listings were read: what goes on where, and what is forgotten."""

import json

import httpx
import pytest

from connectors.marks import Marks
from connectors.meta.graph import Graph
from connectors.meta.paging import pages
from connectors.outcomes import RequestRefused
from connectors.x.api import Tweepy
from connectors.x.pages import whole_pages


def test_a_leaf_goes_on_with_the_page_before_the_one_it_had_come_to() -> None:
    marks = Marks()
    leaf = marks.leaf("posts>1")
    leaf.went_on(None, "b")
    assert leaf.begin is None  # the first page is the one before
    leaf.went_on("b", "c")
    assert Marks(marks.state).leaf("posts>1").begin == "b"


def test_what_hangs_below_a_listing_is_forgotten_when_that_goes_on_and_nothing_else() -> None:
    marks = Marks({"posts>1": None, "posts>2": "x", "other>1": None, "posts2": None})
    marks.outer("posts").went_on(None, "b")
    assert marks.state == {"other>1": None, "posts2": None, "posts": "b"}


def test_what_was_read_to_its_end_is_known_from_what_was_never_begun() -> None:
    marks = Marks({"posts": None})
    assert marks.is_done("posts")
    assert not marks.is_done("posts>1")
    assert not Marks({"posts": "a"}).is_done("posts")


REFUSED = {"error": {"message": "(#100) Invalid cursor", "type": "OAuthException", "code": 100}}


def meta(request: httpx.Request) -> httpx.Response:
    """Two pages; a cursor of another day is refused."""
    match request.url.params.get("after"):
        case None:
            paging = {"cursors": {"after": "two"}, "next": "https://x/?after=two"}
            return httpx.Response(200, json={"data": [{"id": "1"}], "paging": paging})
        case "two":
            return httpx.Response(200, json={"data": [{"id": "2"}]})
    return httpx.Response(400, json=REFUSED)


def graph() -> Graph:
    http = httpx.AsyncClient(transport=httpx.MockTransport(meta))
    return Graph(http, base_url="https://g", version="v1", token="t", app_secret=None, timeout=5)


@pytest.mark.parametrize(
    ("kept", "found"), [("two", ["2"]), ("of yesterday", ["1", "2"]), (None, ["1", "2"])]
)
async def test_a_cursor_that_meta_no_longer_takes_leads_back_to_the_first_page(
    kept: str | None, found: list[str]
) -> None:
    mark = Marks({"c": kept} if kept else {}).leaf("c")
    assert [item["id"] async for item in pages(graph(), "1", "comments", {}, mark=mark)] == found


async def test_a_refusal_without_a_kept_cursor_is_one() -> None:
    with pytest.raises(RequestRefused):
        [item async for item in pages(graph(), "1", "comments", {"after": "of yesterday"})]


@pytest.mark.parametrize(("kept", "found"), [("two", ["2"]), ("of yesterday", ["1", "2"])])
async def test_a_token_that_x_no_longer_takes_leads_back_to_the_first_page(
    kept: str, found: list[str]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.params.get("pagination_token"):
            case None:
                return httpx.Response(200, json={"data": [{"id": "1"}], "meta": {"next_token": "two"}})
            case "two":
                return httpx.Response(200, json={"data": [{"id": "2"}], "meta": {}})
        return httpx.Response(400, json={"title": "Invalid Request", "detail": "pagination_token"})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    tweepy = Tweepy(http, base_url="https://x", token="t", timeout=5)
    marks = Marks(json.loads(json.dumps({"tweets": kept})))
    listed = whole_pages(
        lambda **params: tweepy.get_users_tweets("7", **params), "pagination_token", marks.outer("tweets")
    )
    assert [item.post["id"] async for page in listed for item in page] == found
