"""Graph API nodes of Instagram -> `CommentState` and `OwnReply`. Pure.

Source: the IG Comment node, its `replies` edge, and "Field Expansion" of the Graph API reference.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.fields import moment, text_of
from connectors.instagram.mapping import author_of, is_own
from connectors.platform import CommentState, OwnReply
from schemas.identity import clean_text

PAGE_SIZE: Final = 50
"""Most items of a page of comments."""

ITEM_FIELDS: Final = "id,text,timestamp,username,from,parent_id,hidden,like_count"
LIST_FIELDS: Final = f"{ITEM_FIELDS},replies.limit({PAGE_SIZE}){{{ITEM_FIELDS}}}"
STATE_FIELDS: Final = f"{LIST_FIELDS},media{{id,media_product_type}}"
POST_FIELDS: Final = "id,caption,permalink,timestamp"
MEDIA_FIELDS: Final = f"{POST_FIELDS},like_count,comments_count,comments.limit(1){{id,timestamp}}"


def comment_state(item: Mapping[str, Any], account: Account, now: datetime) -> CommentState:
    """A comment read with `STATE_FIELDS`; raises MalformedChange if author or text are unreadable."""
    author_id, _ = author_of(item)
    media = item.get("media")
    live = isinstance(media, Mapping) and media.get("media_product_type") == "LIVE"
    hidden = item.get("hidden") is True
    below, complete = replies_in(item)
    return CommentState(
        exists=True,
        text=text_of(item, "text"),
        is_hidden=hidden,
        # Documented: no replies on live video, and none to hidden comments.
        can_reply=False if live or hidden else None,
        author_id=author_id,
        # A node without items has no edge, as one to which the edge was not granted.
        own_replies=tuple(own_replies(below, account, now)) if complete and below else None,
    )


def own_replies(items: Iterable[Mapping[str, Any]], account: Account, now: datetime) -> list[OwnReply]:
    """The account's own among the replies below a comment, oldest first."""
    found = []
    for item in by_age(items, now):
        author_id, username = author_of(item)
        reply_id = item.get("id")
        if isinstance(reply_id, str) and is_own(author_id, username, account):
            text = clean_text(str(item.get("text") or ""))
            found.append(
                OwnReply(reply_id=reply_id, text=text, created_at=moment(item.get("timestamp"), now))
            )
    return found


def replies_in(item: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
    """(the replies that a comment's node brought along, whether these are all)."""
    edge = item.get("replies")
    data = edge.get("data") if isinstance(edge, Mapping) else None
    paging = edge.get("paging") if isinstance(edge, Mapping) else None
    complete = not (isinstance(paging, Mapping) and "next" in paging)
    return [entry for entry in data or () if isinstance(entry, Mapping)], complete


def by_age(items: Iterable[Mapping[str, Any]], now: datetime) -> list[Mapping[str, Any]]:
    """Oldest first; in the given order within a second, and where there is no time."""
    return sorted(items, key=lambda item: moment(item.get("timestamp"), now) or now)
