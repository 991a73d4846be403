"""Everything recently active on an Instagram account.

Media are listed newest first, each with the time of its newest comment; those that were published or
commented on since then are read. Not found: a first comment in a long while on a media that stands behind
`OLDER_MEDIA` others, and a reply to an old comment of an old media. Stories and live video are not listed.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.fields import moment
from connectors.instagram.listing import Listing
from connectors.instagram.mapping import comment_engagement, media_engagement, post_event
from connectors.instagram.reading import MEDIA_FIELDS, PAGE_SIZE
from connectors.marks import Marks
from connectors.meta.graph import Graph
from connectors.meta.paging import pages
from connectors.platform import Activity
from connectors.webhook import Ignored, MalformedChange
from schemas.events import CommentEvent, CommentKind, Source, utc_now

OLDER_MEDIA: Final = 200
"""Media published before the time asked for that are looked at for new comments: four calls."""


async def activity(
    graph: Graph, account: Account, since: datetime, source: Source, marks: Marks
) -> AsyncIterator[Activity]:
    """Each active media, its counts, its comments with theirs; `account` with its user name."""
    older = 0
    every = pages(
        graph,
        account.account_id,
        "media",
        {"fields": MEDIA_FIELDS},
        size=PAGE_SIZE,
        of_account=True,
        mark=marks.outer("media"),
    )
    async for media in every:
        now = utc_now()
        try:
            post = post_event(media, account, now)
        except MalformedChange as error:
            yield Ignored(f"media:{error.reason}")
            continue
        recent = post.published_at is None or post.published_at >= since
        if not recent:
            older += 1
            if older > OLDER_MEDIA:
                return
        newest = _newest_comment(media, now)
        if not recent and (newest is None or newest < since):
            continue
        name = f"media>{post.platform_post_id}"
        if marks.is_done(name):
            continue
        yield post
        counts = media_engagement(media, account, now)
        if counts is not None:
            yield counts
        listing = Listing(graph, account)
        stop = None if recent else since
        async for listed in listing.newest(post.platform_post_id, since=stop, mark=marks.leaf(name)):
            if listed.at < since:
                continue
            event = listing.event(listed, source)
            yield event
            if isinstance(event, CommentEvent) and event.kind is CommentKind.ADDED:
                told = comment_engagement(listed.item, event, listed.replies)
                if told is not None:
                    yield told
        marks.done(name)


def _newest_comment(media: Mapping[str, Any], now: datetime) -> datetime | None:
    edge = media.get("comments")
    items = edge.get("data") if isinstance(edge, Mapping) else None
    first = items[0] if isinstance(items, list) and items else None
    return moment(first.get("timestamp"), now) if isinstance(first, Mapping) else None
