"""A comment as Postgres holds it, made into the event that feeds it in again."""

from typing import Any, Final

from schemas.events import Attachment, CommentEvent, CommentKind, Platform, Source

WORDING: Final = (
    "c.comment_id, c.tenant_id, c.platform, c.account_id, c.platform_comment_id, c.platform_post_id,"
    " c.platform_parent_id, c.author_id, c.author_name, c.author_followers, c.permalink, c.mentions_account,"
    " c.created_at, c.received_at, c.state,"
    " r.revision_id, r.text, r.attachments, r.revised_at, r.observed_at"
)
"""Columns of `comments c` and `comment_revisions r` that `comment_of` needs."""


def comment_of(row: Any, source: Source) -> CommentEvent:
    """The event of a comment's current wording, from a row of `WORDING`.

    Raises ValueError, KeyError or TypeError for a row that is no event.
    """
    names = (
        "tenant_id account_id platform_comment_id platform_post_id platform_parent_id author_id author_name"
        " author_followers mentions_account"
    )
    return CommentEvent(
        **{name: row[name] for name in names.split()},
        kind=CommentKind.ADDED,
        platform=Platform(row["platform"]),
        comment_id=str(row["comment_id"]),
        revision_id=str(row["revision_id"]),
        text=row["text"],
        attachments=tuple(Attachment(kind=item["kind"], url=item.get("url")) for item in row["attachments"]),
        permalink=row["permalink"],
        created_at=row["created_at"],
        occurred_at=row["revised_at"],
        observed_at=row["observed_at"],
        source=source,
    )
