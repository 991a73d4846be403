"""Everything that was lately active on an organisation's page.

What was active is told by notices (`connectors.linkedin.notices`) and by the posts' own time; then the
comments of each such post are listed as they are now. Replies come from their notices where those say what
they answer; threads are listed where they do not, and where a post has no notices (LinkedIn gives none of
posts that are not public). An app that may not read notices sees the newest posts alone. A notice of a
deletion is passed on as the removal that it tells.
Source: "Comments API" of LinkedIn's documentation.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from connectors.accounts import Account
from connectors.linkedin.errors import ApiError, cause_of, failure_of
from connectors.linkedin.fields import number_of
from connectors.linkedin.mapping import from_listing
from connectors.linkedin.notices import Told, notices
from connectors.linkedin.paging import pages
from connectors.linkedin.posts import ACTIVITY, engagement_of, own_posts, read_post
from connectors.linkedin.rest import Rest
from connectors.linkedin.urns import comment_urn, encoded
from connectors.marks import Mark, Marks
from connectors.outcomes import Cause
from connectors.platform import Activity
from connectors.webhook import Ignored, MalformedChange
from schemas.events import CommentEvent, EngagementEvent, Platform, PostEvent, Source, utc_now

_Item = tuple[Mapping[str, Any], CommentEvent | Ignored]


async def activity(
    rest: Rest, account: Account, since: datetime, source: Source, marks: Marks
) -> AsyncIterator[Activity]:
    """A post, what is counted on it, and its comments, post by post; see `PlatformClient.activity`.

    Notices and posts are listed anew by a look that goes on, for they tell where to look.
    """
    told = await notices(rest, account, since, source)
    posts: dict[str, PostEvent | None] = {}
    async for post in own_posts(rest, account, since if told is not None else None):
        posts[post.platform_post_id] = post
    for name in told.posts if told is not None else ():
        if name.startswith(ACTIVITY):
            posts[name] = None  # its comments can be listed all the same
        elif name not in posts and (found := await read_post(rest, account, name)) is not None:
            posts[name] = found
    for name, known in posts.items():
        if marks.is_done(name):
            continue
        if known is not None:
            yield known
            yield await engagement_of(rest, account, name)
        of_post = told.posts.get(name) if told else None
        async for item, event in _active(rest, account, name, source, of_post, marks.leaf(name)):
            if isinstance(event, Ignored):
                yield event
            elif event.occurred_at >= since:
                yield event
                for counted in _engagement(item, event, account):
                    yield counted
        marks.done(name)
    for removal in told.removed.values() if told is not None else ():
        yield removal


async def comments(
    rest: Rest, account: Account, post_id: str, source: Source
) -> AsyncIterator[CommentEvent | Ignored]:
    """Every comment of a post, each followed by its replies."""
    async for item, event in _listed(rest, account, post_id, post_id, source):
        yield event
        if isinstance(event, CommentEvent) and _has_replies(item):
            async for _, reply in _listed(rest, account, event.platform_comment_id, post_id, source):
                yield reply


async def _active(
    rest: Rest, account: Account, post_id: str, source: Source, told: Told | None, mark: Mark
) -> AsyncIterator[_Item]:
    """A post's comments and the replies that notices tell of, or all where there are no notices.

    Threads are listed page by page, so that a look which goes on behind a page misses none of its threads.
    """
    loose = set(told.loose) if told is not None else set()
    for reply in told.replies.values() if told is not None else ():
        yield {}, reply
    async for page in _pages(rest, account, post_id, post_id, source, mark):
        comments = [(item, event) for item, event in page if isinstance(event, CommentEvent)]
        loose -= {_number(event) for _, event in comments}
        for found in page:
            yield found
        for above, parent in comments:
            if not _has_replies(above) or (told is not None and not loose):
                continue
            async for item, event in _listed(rest, account, parent.platform_comment_id, post_id, source):
                if isinstance(event, Ignored):
                    yield item, event
                    continue
                loose.discard(_number(event))
                if told is None or (event.reply_id or event.platform_comment_id) not in told.replies:
                    yield item, event


async def _listed(
    rest: Rest, account: Account, parent: str, post_id: str, source: Source
) -> AsyncIterator[_Item]:
    """What hangs directly below a post or a comment."""
    async for page in _pages(rest, account, parent, post_id, source):
        for found in page:
            yield found


async def _pages(
    rest: Rest, account: Account, parent: str, post_id: str, source: Source, mark: Mark | None = None
) -> AsyncIterator[list[_Item]]:
    """The same page by page; of a post or comment that is gone, nothing."""
    async for page in pages(rest, f"socialActions/{encoded(parent)}/comments", mark):
        if isinstance(page, ApiError):
            if cause_of(page) is Cause.GONE:
                return
            raise failure_of(page)
        yield [(item, _event(item, account, post_id, source)) for item in page]


def _event(item: Mapping[str, Any], account: Account, post_id: str, source: Source) -> CommentEvent | Ignored:
    try:
        return from_listing(item, account, post_id, utc_now(), source)
    except MalformedChange as error:
        return Ignored(f"listing:{error.reason}")


def _has_replies(item: Mapping[str, Any]) -> bool:
    """True unless the item says that it has none."""
    return number_of(item.get("commentsSummary"), "totalFirstLevelComments") != 0


def _number(event: CommentEvent) -> str:
    named = comment_urn(event.reply_id or event.platform_comment_id)
    return named.number if named else ""


def _engagement(item: Mapping[str, Any], event: CommentEvent, account: Account) -> list[EngagementEvent]:
    likes = number_of(item.get("likesSummary"), "totalLikes", "aggregatedTotalLikes")
    replies = number_of(item.get("commentsSummary"), "totalFirstLevelComments", "aggregatedTotalComments")
    if event.reply_id is not None or event.platform_post_id is None or (likes is None and replies is None):
        return []
    return [
        EngagementEvent(
            tenant_id=account.tenant_id,
            platform=Platform.LINKEDIN,
            account_id=account.account_id,
            platform_post_id=event.platform_post_id,
            comment_id=event.comment_id,
            likes=likes,
            replies=replies,
            observed_at=event.observed_at,
        )
    ]
