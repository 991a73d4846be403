"""The states of a comment's life, and which evidence outranks which.

A comment's state is never stored by whoever wrote last: it is derived from facts that are each written
once (see `infra/migrations`), so it does not depend on the order in which topics are read.
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """The one current state of a comment."""

    # open: a machine or a person still has something to do
    RECEIVED = "received"
    ENRICHED = "enriched"
    DRAFTED = "drafted"
    NEEDS_REVIEW = "needs_review"
    ESCALATED = "escalated"
    QUEUED = "queued"
    POSTING = "posting"
    UNKNOWN = "unknown"
    # ends
    POSTED = "posted"
    NO_REPLY = "no_reply"
    REJECTED = "rejected"
    REMOVED = "removed"
    SUPERSEDED = "superseded"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    NOT_ALLOWED = "not_allowed"
    EXPIRED = "expired"
    FAILED = "failed"
    DEAD_LETTER = "dead_letter"


OPEN_MACHINE: Final = frozenset({State.RECEIVED, State.ENRICHED, State.DRAFTED})
"""Open states in which a stage of ours owes the next step; the sweeper looks for comments stuck here."""

OPEN_PEOPLE: Final = frozenset({State.NEEDS_REVIEW, State.ESCALATED})
OPEN_POSTING: Final = frozenset({State.QUEUED, State.POSTING, State.UNKNOWN})
OPEN: Final = OPEN_MACHINE | OPEN_PEOPLE | OPEN_POSTING
ENDS: Final = frozenset(State) - OPEN

HOLDS_REPLY: Final = frozenset({State.QUEUED, State.POSTING, State.POSTED, State.UNKNOWN})
"""Queue states of which a comment may have one row only: the unique index that prevents a second answer."""


class Action(StrEnum):
    """What a decision does with a comment."""

    AUTO_APPROVE = "auto_approve"
    APPROVE = "approve"
    REVIEW = "review"
    ESCALATE = "escalate"
    NO_REPLY = "no_reply"
    NOT_ALLOWED = "not_allowed"
    REJECT = "reject"
    EXPIRE = "expire"
    HIDE = "hide"

    @property
    def sends(self) -> bool:
        """True if the decision puts a reply into the queue."""
        return self in (Action.AUTO_APPROVE, Action.APPROVE)


STATE_AFTER: Final[dict[Action, State]] = {
    Action.AUTO_APPROVE: State.QUEUED,
    Action.APPROVE: State.QUEUED,
    Action.REVIEW: State.NEEDS_REVIEW,
    Action.ESCALATE: State.ESCALATED,
    Action.NO_REPLY: State.NO_REPLY,
    Action.NOT_ALLOWED: State.NOT_ALLOWED,
    Action.REJECT: State.REJECTED,
    Action.EXPIRE: State.EXPIRED,
    Action.HIDE: State.NO_REPLY,
}
"""State of a comment after a decision, until a stronger fact exists."""


class DecidedBy(StrEnum):
    """Whose decision it is; a person's outranks the machine's."""

    MACHINE = "machine"
    PERSON = "person"


class AttemptOutcome(StrEnum):
    """How an attempt to post ended, as far as is known."""

    POSTED = "posted"
    UNKNOWN = "unknown"
    FAILED = "failed"
    REMOVED = "removed"
    SUPERSEDED = "superseded"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    NOT_ALLOWED = "not_allowed"
    EXPIRED = "expired"
