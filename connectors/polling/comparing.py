"""What a poll saw and what is stored -> what is news. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.platform import CommentState
from schemas.events import Attachment, CommentEvent, CommentKind, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A comment as Postgres holds it; `revision_id` is None while only facts about it are known."""

    comment_id: str
    revision_id: str | None
    is_hidden: bool = False
    removed_at: datetime | None = None


def is_new(stored: Stored | None) -> bool:
    """True if a comment has no wording here yet."""
    return stored is None or (stored.revision_id is None and stored.removed_at is None)


def is_edited(seen: CommentEvent, stored: Stored | None) -> bool:
    """True if the wording differs from the stored one: to be confirmed by a direct read, for the listing may
    be older than a webhook that came meanwhile.
    """
    return (
        stored is not None
        and stored.revision_id is not None
        and stored.removed_at is None
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


def restored(
    seen: CommentEvent, state: CommentState, read_at: datetime, removed_at: datetime
) -> CommentEvent:
    """A removed comment that a direct read found there again: an edit later than the removal, of any wording.

    The answer that it is gone may have been wrong, or somebody restored it. Its two times are one, by which
    `sinks.merges` knows it, and later than the removal by that one's own clock, too: it was known before.
    """
    at = max(read_at, removed_at + timedelta(microseconds=1))
    event = edited(seen, state, at, state.revision_id(seen.comment_id))
    return replace(event, occurred_at=at)


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
