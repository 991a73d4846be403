"""Graph API comment nodes -> `CommentState` and `OwnReply`. Pure.

Source: the Comment node and "Field Expansion" of the Graph API reference.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.facebook.authors import author_of
from connectors.facebook.ids import sibling_name
from connectors.facebook.mapping import attachment_kinds
from connectors.fields import moment, text_of
from connectors.platform import CommentState, OwnReply
from schemas.identity import clean_text

REPLY_FIELDS: Final = "id,message,from,created_time"
STATE_FIELDS: Final = (
    "id,message,from,created_time,parent{id},is_hidden,can_comment,attachment{type},comment_count,"
    f"comments.limit(25){{{REPLY_FIELDS}}}"
)


def comment_state(item: Mapping[str, Any], comment_id: str, page_id: str, now: datetime) -> CommentState:
    """A comment read with `STATE_FIELDS`; raises MalformedChange if author or text are unreadable."""
    author_id, _ = author_of(item)
    can_comment = item.get("can_comment")
    return CommentState(
        exists=True,
        text=text_of(item),
        attachments=attachment_kinds(item),
        is_hidden=item.get("is_hidden") is True,
        can_reply=can_comment if isinstance(can_comment, bool) else None,
        author_id=author_id,
        own_replies=_all_own_replies(item, comment_id, page_id, now),
    )


def own_replies(
    items: Iterable[Mapping[str, Any]], comment_id: str, page_id: str, now: datetime
) -> list[OwnReply]:
    """The page's own among the replies below a comment, in the given order."""
    found = []
    for item in items:
        sender, reply_id = item.get("from"), item.get("id")
        if isinstance(sender, Mapping) and isinstance(reply_id, str) and sender.get("id") == page_id:
            found.append(
                OwnReply(
                    reply_id=sibling_name(reply_id, comment_id),
                    text=clean_text(str(item.get("message") or "")),
                    created_at=moment(item.get("created_time"), now),
                )
            )
    return found


def _all_own_replies(
    item: Mapping[str, Any], comment_id: str, page_id: str, now: datetime
) -> tuple[OwnReply, ...] | None:
    """The page's replies if the node lists all that are there; None if there may be more."""
    edge = item.get("comments")
    if edge is None:
        # An edge without items is left out of a node; the count tells that from one that was not granted.
        return () if item.get("comment_count") == 0 else None
    data = edge.get("data") if isinstance(edge, Mapping) else None
    paging = edge.get("paging") if isinstance(edge, Mapping) else None
    if not isinstance(data, list) or (isinstance(paging, Mapping) and "next" in paging):
        return None
    return tuple(
        own_replies((entry for entry in data if isinstance(entry, Mapping)), comment_id, page_id, now)
    )
