"""What Instagram says about comments -> events. Pure.

Sources: Meta's "Webhooks reference: Instagram" and "Instagram Platform Webhook Notification Examples", the
IG Comment and IG Media nodes, recorded payloads (restfb, python-facebook).

- Own means that the author's id is the account's, or that the author has the account's user name;
  `self_ig_scoped_id` was recorded for an ordinary sender and proves nothing. An own reply becomes
  `reply_observed`, keyed by the comment it answers; an own comment on the media itself answers nobody.
- A notice has no verb: every one is a new comment. Edits and removals are told by nobody.
- A comment on an advertisement belongs to the media that is advertised, where the notice names it: that is
  what can be read and listed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.fields import moment, named, platform_id, short_name, text_of, url_of
from connectors.webhook import Change, Ignored, MalformedChange
from schemas import identity
from schemas.events import CommentEvent, CommentKind, EngagementEvent, Platform, PostEvent, Source

COMMENT_FIELDS: Final = frozenset({"comments", "live_comments"})
"""Subscriptions whose changes are comments."""


def from_webhook(change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
    """The event of one change; raises MalformedChange naming the field that does not fit."""
    if change.field not in COMMENT_FIELDS:
        return Ignored(named("field", change.field))
    value = change.value
    return _event(
        value,
        account,
        post_id=_media_of(value),
        parent_id=platform_id(value, "parent_id"),
        occurred_at=change.sent_at or observed_at,
        created_at=None,
        observed_at=observed_at,
        source=Source.WEBHOOK,
    )


def from_listing(
    item: Mapping[str, Any],
    account: Account,
    *,
    post_id: str,
    parent_id: str | None,
    observed_at: datetime,
    source: Source,
) -> CommentEvent | Ignored:
    """The event of an item of a `/comments` or `/replies` listing; raises MalformedChange."""
    created_at = moment(item.get("timestamp"), observed_at)
    return _event(
        item,
        account,
        post_id=post_id,
        parent_id=parent_id or platform_id(item, "parent_id"),
        occurred_at=created_at or observed_at,
        created_at=created_at,
        observed_at=observed_at,
        source=source,
    )


def post_event(media: Mapping[str, Any], account: Account, observed_at: datetime) -> PostEvent:
    """A media's caption and permalink; raises MalformedChange."""
    media_id = platform_id(media, "id")
    if media_id is None:
        raise MalformedChange("id", "a media without id")
    return PostEvent(
        tenant_id=account.tenant_id,
        platform=Platform.INSTAGRAM,
        account_id=account.account_id,
        platform_post_id=media_id,
        text=text_of(media, "caption"),
        permalink=url_of(media.get("permalink")),
        published_at=moment(media.get("timestamp"), observed_at),
        observed_at=observed_at,
        by_account=True,  # the API shows an account its own media alone
    )


def media_engagement(
    media: Mapping[str, Any], account: Account, observed_at: datetime
) -> EngagementEvent | None:
    """Likes and comments of a media; None where neither is told."""
    likes, replies = _count(media.get("like_count")), _count(media.get("comments_count"))
    if likes is None and replies is None:
        return None
    return EngagementEvent(
        tenant_id=account.tenant_id,
        platform=Platform.INSTAGRAM,
        account_id=account.account_id,
        platform_post_id=str(media["id"]),
        likes=likes,
        replies=replies,
        observed_at=observed_at,
    )


def comment_engagement(
    item: Mapping[str, Any], event: CommentEvent, replies: int | None
) -> EngagementEvent | None:
    """Likes, `replies` and hiding of a listed comment that became `event`; None where nothing is told."""
    likes = _count(item.get("like_count"))
    if event.platform_post_id is None or (likes is None and replies is None and event.is_hidden is None):
        return None
    return EngagementEvent(
        tenant_id=event.tenant_id,
        platform=event.platform,
        account_id=event.account_id,
        platform_post_id=event.platform_post_id,
        comment_id=event.comment_id,
        likes=likes,
        replies=replies,
        is_hidden=event.is_hidden,
        observed_at=event.observed_at,
    )


def author_of(values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(id, user name) of who wrote it; nodes may have `user`, `username` in place of `from`, or neither."""
    sender = values.get("from")
    if sender is None:
        user = values.get("user")
        author_id = platform_id(user, "id") if isinstance(user, Mapping) else None
        return author_id, short_name(values.get("username"))
    if not isinstance(sender, Mapping):
        raise MalformedChange("from", f"from is not an object: {type(sender).__name__}")
    return platform_id(sender, "id"), short_name(sender.get("username") or values.get("username"))


def is_own(author_id: str | None, username: str | None, account: Account) -> bool:
    """True if the account itself wrote it."""
    if author_id == account.account_id:
        return True
    return bool(username and account.username) and username.casefold() == account.username.casefold()  # type: ignore[union-attr]


def _media_of(value: Mapping[str, Any]) -> str | None:
    media = value.get("media")
    if media is None:
        return None
    if not isinstance(media, Mapping):
        raise MalformedChange("media", f"media is not an object: {type(media).__name__}")
    return platform_id(media, "original_media_id") or platform_id(media, "id")


def _event(
    value: Mapping[str, Any],
    account: Account,
    *,
    post_id: str | None,
    parent_id: str | None,
    occurred_at: datetime,
    created_at: datetime | None,
    observed_at: datetime,
    source: Source,
) -> CommentEvent | Ignored:
    name = platform_id(value, "id")
    if name is None:
        raise MalformedChange("id", "a comment without id")
    author_id, username = author_of(value)
    text = text_of(value, "text")
    own = is_own(author_id, username, account)
    if own and parent_id is None:
        return Ignored("own:top_level")
    answered = parent_id if own and parent_id else name
    comment = identity.comment_id(Platform.INSTAGRAM, account.account_id, answered)
    hidden = value.get("hidden")
    return CommentEvent(
        kind=CommentKind.REPLY_OBSERVED if own else CommentKind.ADDED,
        tenant_id=account.tenant_id,
        platform=Platform.INSTAGRAM,
        account_id=account.account_id,
        comment_id=comment,
        platform_comment_id=answered,
        platform_post_id=post_id,
        platform_parent_id=None if own else parent_id,
        revision_id=None if own else identity.revision_id(comment, text),
        author_id=author_id,
        author_name=username,
        text=text,
        is_hidden=hidden if isinstance(hidden, bool) else None,
        reply_id=name if own else None,
        occurred_at=occurred_at,
        created_at=created_at,
        observed_at=observed_at,
        source=source,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
