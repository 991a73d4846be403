"""Everything that was lately active on an organisation's page.

What was active is asked of `organizationalEntityNotifications`, which knows the last 60 days of the very
notices that webhooks bring, and of the posts by their own time; then each such post's comments are listed as
they are now. A notice of a deletion is passed on as the removal that it tells. An app that may not read the
notices sees the newest posts alone.
Sources: "Organization Social Action Notifications", "Posts API", "Social Metadata API", "Comments API".
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.linkedin.errors import ApiError, cause_of, failure_of
from connectors.linkedin.fields import number_of, time_of
from connectors.linkedin.mapping import COMMENT_ACTIONS, from_listing, from_notification
from connectors.linkedin.paging import pages
from connectors.linkedin.rest import Answer, Rest
from connectors.linkedin.urns import encoded, is_urn, organisation_urn
from connectors.linkedin.webhook import change_of
from connectors.platform import Activity, Cause, RequestRefused
from connectors.webhook import Change, Ignored, MalformedChange
from schemas.events import (
    CommentEvent,
    CommentKind,
    EngagementEvent,
    Platform,
    PostEvent,
    Source,
    utc_now,
)
from schemas.identity import clean_text

NEWEST: Final = 20
"""Posts that are looked at where the app may not read notices, so that old posts' activity is not told."""

_ACTIVITY: Final = "urn:li:activity:"
_FEED: Final = "https://www.linkedin.com/feed/update/"


async def activity(rest: Rest, account: Account, since: datetime, source: Source) -> AsyncIterator[Activity]:
    """A post, what is counted on it, and its comments, post by post; see `PlatformClient.activity`."""
    removed: list[CommentEvent] = []
    told = await _told_of(rest, account, since, source, removed)
    posts: dict[str, PostEvent | None] = {}
    async for post in _own_posts(rest, account, since if told is not None else None):
        posts[post.platform_post_id] = post
    for name in told or ():
        if name.startswith(_ACTIVITY):
            posts[name] = None  # its comments can be listed all the same
        elif name not in posts and (found := await read_post(rest, account, name)) is not None:
            posts[name] = found
    for name, known in posts.items():
        if known is not None:
            yield known
            yield await _counted(rest, account, name)
        async for events in _listed(rest, account, name, source):
            for event in events:
                yield event
    for event in removed:
        yield event


async def comments(
    rest: Rest, account: Account, post_id: str, source: Source
) -> AsyncIterator[CommentEvent | Ignored]:
    """Every comment of a post, each followed by its replies."""
    async for events in _listed(rest, account, post_id, source):
        for event in events:
            if not isinstance(event, EngagementEvent):
                yield event


async def read_post(rest: Rest, account: Account, post_id: str) -> PostEvent | None:
    """A post's text and permalink; None if LinkedIn says that it is gone."""
    if not is_urn(post_id) or post_id.startswith(_ACTIVITY):
        # Said before asking: the answer to an activity is "not found", and would be taken for a deletion.
        raise RequestRefused(f"LinkedIn reads posts by share or ugcPost, not as {post_id[:80]!r}")
    answer = await rest.read(f"posts/{encoded(post_id)}")
    if isinstance(answer, ApiError):
        if cause_of(answer) is Cause.GONE:
            return None
        raise failure_of(answer)
    return _post(answer.content, account, post_id)


async def _own_posts(rest: Rest, account: Account, since: datetime | None) -> AsyncIterator[PostEvent]:
    """Posts that are themselves new or edited; the newest of all where `since` is None."""
    author = encoded(organisation_urn(account.account_id))
    given = 0
    async for page in pages(rest, f"posts?q=author&author={author}&sortBy=LAST_MODIFIED"):
        if isinstance(page, ApiError):
            raise failure_of(page)
        for item in page:
            modified = time_of(item.get("lastModifiedAt"), utc_now())
            if given >= NEWEST if since is None else modified is not None and modified < since:
                return
            if is_urn(item.get("id")) and item.get("lifecycleState", "PUBLISHED") == "PUBLISHED":
                given += 1
                yield _post(item, account, item["id"])


async def _told_of(
    rest: Rest, account: Account, since: datetime, source: Source, removed: list[CommentEvent]
) -> list[str] | None:
    """Posts of which notices tell, by share or ugcPost where any notice names that; removals go to `removed`.

    None if the app may not read notices.
    """
    found: dict[str, str] = {}
    now = utc_now()
    path = (
        f"organizationalEntityNotifications?q=criteria&actions=List({','.join(COMMENT_ACTIONS)})"
        f"&organizationalEntity={encoded(organisation_urn(account.account_id))}"
        f"&timeRange=(start:{_milliseconds(since)},end:{_milliseconds(now)})"
    )
    async for page in pages(rest, path):
        if isinstance(page, ApiError):
            if page.status == 403 and cause_of(page) is Cause.PERMISSION:
                return None
            raise failure_of(page)
        for item in page:
            post = item.get("sourcePost")
            decorated = item.get("decoratedSourcePost")
            entity = decorated.get("entity") if isinstance(decorated, Mapping) else None
            if isinstance(post, str) and is_urn(post) and (is_urn(entity) or post not in found):
                found[post] = str(entity) if is_urn(entity) else post
            event = _notified(item, account, now, source)
            if isinstance(event, CommentEvent) and event.kind is CommentKind.REMOVED:
                removed.append(event)
    return list(dict.fromkeys(found.values()))


def _notified(
    item: Mapping[str, Any], account: Account, now: datetime, source: Source
) -> CommentEvent | Ignored:
    change = change_of(item, now)
    try:
        if isinstance(change, Change):
            return from_notification(change, account, now, source)
    except MalformedChange as error:
        change = error
    return Ignored(f"notification:{change.reason}")


async def _listed(
    rest: Rest, account: Account, post_id: str, source: Source
) -> AsyncIterator[list[CommentEvent | EngagementEvent | Ignored]]:
    """For every comment of a post: it, what is counted on it, its replies. A post that is gone has none."""
    async for page in pages(rest, f"socialActions/{encoded(post_id)}/comments"):
        if isinstance(page, ApiError):
            if cause_of(page) is Cause.GONE:
                return
            raise failure_of(page)
        for item in page:
            event = _mapped(item, account, post_id, source)
            yield [event, *_engagement(item, event, account)]
            if not isinstance(event, CommentEvent):
                continue
            if number_of(item.get("commentsSummary"), "totalFirstLevelComments") == 0:
                continue
            async for replies in pages(rest, f"socialActions/{encoded(event.platform_comment_id)}/comments"):
                if isinstance(replies, ApiError):
                    if cause_of(replies) is Cause.GONE:
                        break
                    raise failure_of(replies)
                for reply in replies:
                    found = _mapped(reply, account, post_id, source)
                    yield [found, *_engagement(reply, found, account)]


def _mapped(
    item: Mapping[str, Any], account: Account, post_id: str, source: Source
) -> CommentEvent | Ignored:
    try:
        return from_listing(item, account, post_id, utc_now(), source)
    except MalformedChange as error:
        return Ignored(f"listing:{error.reason}")


def _engagement(
    item: Mapping[str, Any], event: CommentEvent | Ignored, account: Account
) -> list[EngagementEvent]:
    likes = number_of(item.get("likesSummary"), "totalLikes", "aggregatedTotalLikes")
    replies = number_of(item.get("commentsSummary"), "totalFirstLevelComments", "aggregatedTotalComments")
    if not isinstance(event, CommentEvent) or event.reply_id or (likes is None and replies is None):
        return []
    return [
        EngagementEvent(
            tenant_id=account.tenant_id,
            platform=Platform.LINKEDIN,
            account_id=account.account_id,
            platform_post_id=event.platform_post_id or "",
            comment_id=event.comment_id,
            likes=likes,
            replies=replies,
            observed_at=event.observed_at,
        )
    ]


async def _counted(rest: Rest, account: Account, post_id: str) -> EngagementEvent | Ignored:
    """A post's reactions of every kind, as likes, and its comments."""
    answer: Answer | ApiError = await rest.read(f"socialMetadata/{encoded(post_id)}")
    if isinstance(answer, ApiError):
        if cause_of(answer) in (Cause.GONE, Cause.PERMISSION, Cause.PERMANENT):
            return Ignored("engagement:not_told")
        raise failure_of(answer)
    summaries = answer.content.get("reactionSummaries")
    counts = summaries.values() if isinstance(summaries, Mapping) else ()
    return EngagementEvent(
        tenant_id=account.tenant_id,
        platform=Platform.LINKEDIN,
        account_id=account.account_id,
        platform_post_id=post_id,
        likes=sum(number_of(kind, "count") or 0 for kind in counts),
        replies=number_of(answer.content.get("commentSummary"), "count"),
        observed_at=utc_now(),
    )


def _post(item: Mapping[str, Any], account: Account, post_id: str) -> PostEvent:
    now = utc_now()
    text = item.get("commentary")
    return PostEvent(
        tenant_id=account.tenant_id,
        platform=Platform.LINKEDIN,
        account_id=account.account_id,
        platform_post_id=post_id,
        text=clean_text(text) if isinstance(text, str) else None,
        permalink=f"{_FEED}{post_id}/",
        published_at=time_of(item.get("publishedAt"), now) or time_of(item.get("createdAt"), now),
        observed_at=now,
    )


def _milliseconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)
