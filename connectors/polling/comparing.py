"""What a poll saw and what is stored -> what is news. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from connectors.platform import CommentState
from schemas.events import Attachment, CommentEvent, CommentKind, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A comment as Postgres holds it; `revision_id` is None while only facts about it are known."""

    comment_id: str
    revision_id: str | None
    is_hidden: bool = False
    removed: bool = False


def is_new(stored: Stored | None) -> bool:
    """True if a comment has no wording here yet."""
    return stored is None or (stored.revision_id is None and not stored.removed)


def is_edited(seen: CommentEvent, stored: Stored | None) -> bool:
    """True if the wording differs from the stored one: to be confirmed by a direct read, for the listing may
    be older than a webhook that came meanwhile.
    """
    return (
        stored is not None
        and stored.revision_id is not None
        and not stored.removed
        and seen.revision_id != stored.revision_id
    )


def edited(seen: CommentEvent, state: CommentState, read_at: datetime, revision_id: str) -> CommentEvent:
    """The edit that a direct read confirmed; its time is the read's, in whole seconds as in webhooks."""
    return replace(
        seen,
        kind=CommentKind.EDITED,
        revision_id=revision_id,
        text=state.text or "",
        attachments=tuple(Attachment(kind=kind) for kind in state.attachments),
        occurred_at=read_at.replace(microsecond=0),
        observed_at=read_at,
    )


def hidden(seen: CommentEvent, stored: Stored | None) -> CommentEvent | None:
    """The hiding or showing that nobody announced; None if there was none."""
    if seen.is_hidden is None or (stored.is_hidden if stored else False) == seen.is_hidden:
        return None
    return replace(
        seen,
        kind=CommentKind.HIDDEN,
        revision_id=None,
        text=None,
        attachments=(),
        occurred_at=seen.observed_at.replace(microsecond=0),
    )


def removed(known: CommentEvent, read_at: datetime) -> CommentEvent:
    """The removal that a direct read confirmed."""
    return replace(
        known,
        kind=CommentKind.REMOVED,
        revision_id=None,
        text=None,
        attachments=(),
        is_hidden=None,
        occurred_at=read_at,
        observed_at=read_at,
        source=Source.POLL,
    )
