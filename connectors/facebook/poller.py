"""Everything recently active on a page: its posts, what is counted on them, and their comments.

Source: "Page/published_posts", "Post" and "Object Comments" of the Graph API reference. The edge of posts
cannot be asked for those with new comments: all of the last `POSTS_BACK` are listed, and `updated_time`,
which a new comment moves, tells which of them were active.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.accounts import Account
from connectors.facebook.authors import author_of
from connectors.facebook.mapping import from_listing
from connectors.fields import moment, platform_id, text_of, url_of
from connectors.marks import Mark, Marks
from connectors.meta.errors import GraphError, failure_of, is_gone
from connectors.meta.graph import Graph
from connectors.meta.paging import pages, path_of
from connectors.platform import Activity
from connectors.webhook import Ignored, MalformedChange
from schemas.events import CommentEvent, CommentKind, EngagementEvent, PostEvent, Source, utc_now

POSTS_BACK: Final = timedelta(days=90)
"""How old a post may be and still be looked at for new comments; older ones are left to webhooks."""

_POST_FIELDS: Final = "id,message,created_time,permalink_url,from"
_POSTS_FIELDS: Final = (
    f"{_POST_FIELDS},updated_time,likes.summary(true).limit(0),comments.summary(true).limit(0)"
)
COMMENT_FIELDS: Final = (
    "id,message,from,created_time,parent{id},is_hidden,permalink_url,attachment{type},like_count,"
    "comment_count"
)


async def activity(
    graph: Graph, account: Account, *, since: datetime, source: Source, marks: Marks
) -> AsyncIterator[Activity]:
    """See `PlatformClient.activity`; newest posts first, of each its newest comments first."""
    fields = {"fields": _POSTS_FIELDS}
    listed = pages(graph, account.account_id, "published_posts", fields, mark=marks.outer("posts"))
    async for item in listed:
        now = utc_now()
        try:
            post = post_event({"from": {"id": account.account_id}, **item}, account, now)
        except MalformedChange as error:
            yield Ignored(f"posts:{error.reason}")
            continue
        if post.published_at is not None and post.published_at < since - POSTS_BACK:
            return
        active_at = moment(item.get("updated_time"), now) or post.published_at
        if active_at is not None and active_at < since:
            continue
        name = f"posts>{post.platform_post_id}"
        if marks.is_done(name):
            continue
        yield post
        yield _engagement(post, likes=_count(item, "likes"), replies=_count(item, "comments"))
        async for found in _comments(graph, account, post, since, source, marks.leaf(name)):
            yield found
        marks.done(name)


async def _comments(
    graph: Graph, account: Account, post: PostEvent, since: datetime, source: Source, mark: Mark
) -> AsyncIterator[Activity]:
    params = {"fields": COMMENT_FIELDS, "filter": "stream", "order": "reverse_chronological"}
    async for item in pages(graph, post.platform_post_id, "comments", params, mark=mark):
        now = utc_now()
        created_at = moment(item.get("created_time"), now)
        if created_at is not None and created_at < since:
            return
        try:
            event = from_listing(item, account, post.platform_post_id, now, source)
        except MalformedChange as error:
            yield Ignored(f"listing:{error.reason}")
            continue
        yield event
        if isinstance(event, CommentEvent) and event.kind is not CommentKind.REPLY_OBSERVED:
            yield _engagement(
                post,
                comment_id=event.comment_id,
                likes=_number(item.get("like_count")),
                replies=_number(item.get("comment_count")),
                is_hidden=event.is_hidden,
            )


async def read_post(graph: Graph, account: Account, platform_post_id: str) -> PostEvent | None:
    """GET `/{post}`; raises like every read, MalformedChange aside, which cannot be of a single node."""
    answer = await graph.read(path_of(platform_post_id), {"fields": _POST_FIELDS})
    if isinstance(answer, GraphError):
        if is_gone(answer):
            return None
        raise failure_of(answer)
    return post_event({"id": platform_post_id, **answer.content}, account, utc_now())


def post_event(item: Mapping[str, Any], account: Account, now: datetime) -> PostEvent:
    """A post node; raises MalformedChange."""
    post_id = platform_id(item, "id")
    if post_id is None:
        raise MalformedChange("id", "a post without id")
    author, _ = author_of(item)  # visitors write on a page, too
    return PostEvent(
        tenant_id=account.tenant_id,
        platform=account.platform,
        account_id=account.account_id,
        platform_post_id=post_id,
        text=text_of(item),
        permalink=url_of(item.get("permalink_url")),
        published_at=moment(item.get("created_time"), now),
        observed_at=now,
        by_account=None if author is None else author == account.account_id,
    )


def _engagement(post: PostEvent, **counted: Any) -> EngagementEvent:
    return EngagementEvent(
        tenant_id=post.tenant_id,
        platform=post.platform,
        account_id=post.account_id,
        platform_post_id=post.platform_post_id,
        observed_at=utc_now(),
        **counted,
    )


def _count(item: Mapping[str, Any], edge: str) -> int | None:
    found = item.get(edge)
    summary = found.get("summary") if isinstance(found, Mapping) else None
    return _number(summary.get("total_count")) if isinstance(summary, Mapping) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
