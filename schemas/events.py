"""Typed events: one class for each Avro schema of `schemas/avro`, field for field.

Events are frozen. Times are aware UTC datetimes with microseconds. `schemas.records` converts
them to and from what fastavro reads and writes; `schemas.codec` adds the wire format.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from schemas.labels import Intent, Sentiment
from schemas.records import Event, Record
from schemas.states import Action, AttemptOutcome, DecidedBy


def utc_now() -> datetime:
    """The present, as events hold it."""
    return datetime.now(UTC)


class Platform(StrEnum):
    FACEBOOK = "facebook"
    INSTAGRAM = "instagram"
    X = "x"
    LINKEDIN = "linkedin"


class CommentKind(StrEnum):
    """What happened. `reply_observed`: a reply by the account itself, ours or its staff's."""

    ADDED = "added"
    EDITED = "edited"
    REMOVED = "removed"
    HIDDEN = "hidden"
    REPLY_OBSERVED = "reply_observed"

    @property
    def has_wording(self) -> bool:
        """True if the event brings a wording of the comment that is to be answered."""
        return self in (CommentKind.ADDED, CommentKind.EDITED)


class Source(StrEnum):
    WEBHOOK = "webhook"
    POLL = "poll"
    BACKFILL = "backfill"
    SWEEP = "sweep"


class DraftOrigin(StrEnum):
    TEMPLATE = "template"
    LANGUAGE_MODEL = "language_model"
    PERSON = "person"


class ConfigKind(StrEnum):
    TEMPLATE = "template"
    POLICY = "policy"
    ACCOUNT = "account"
    VOICE = "voice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Record):
    kind: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentEvent(Event):
    SCHEMA: ClassVar[str] = "comment_event"
    kind: CommentKind
    tenant_id: str
    platform: Platform
    account_id: str
    comment_id: str
    platform_comment_id: str
    platform_post_id: str | None = None
    platform_parent_id: str | None = None
    revision_id: str | None = None
    author_id: str | None = None
    author_name: str | None = None
    author_followers: int | None = None
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    is_hidden: bool | None = None
    reply_id: str | None = None
    mentions_account: bool | None = None
    permalink: str | None = None
    occurred_at: datetime
    created_at: datetime | None = None
    observed_at: datetime
    source: Source

    @property
    def thread_id(self) -> str:
        """Platform id of the thread's first comment."""
        return self.platform_parent_id or self.platform_comment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEvent(Event):
    """A post that people comment on. `by_account`: the account wrote it; None where nobody tells."""

    SCHEMA: ClassVar[str] = "post_event"
    tenant_id: str
    platform: Platform
    account_id: str
    platform_post_id: str
    text: str | None = None
    permalink: str | None = None
    published_at: datetime | None = None
    observed_at: datetime
    by_account: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementEvent(Event):
    SCHEMA: ClassVar[str] = "engagement_event"
    tenant_id: str
    platform: Platform
    account_id: str
    platform_post_id: str
    comment_id: str | None = None
    likes: int | None = None
    replies: int | None = None
    is_hidden: bool | None = None
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis(Record):
    """What the models say of one wording; scores are probabilities by label.

    `embedding`: see `replies.similarity.packed`; only on `comments.enriched`, None where there is none.
    """

    model: str
    model_hash: str
    sentiment: Sentiment
    sentiment_scores: dict[str, float]
    intent: Intent
    intent_scores: dict[str, float]
    language: str
    language_confidence: float
    unknown_share: float
    embedding: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichedComment(Event):
    SCHEMA: ClassVar[str] = "enriched_comment"
    comment: CommentEvent
    analysis: Analysis
    enriched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(Record):
    """A proposed reply; `confidence` is 0 to 1.

    `grounds`: texts of the brand from which it takes what its template does not say.
    """

    draft_id: str
    revision_id: str
    text: str
    origin: DraftOrigin
    language: str
    confidence: float
    template: str | None = None
    template_version: int | None = None
    model: str | None = None
    prompt_hash: str | None = None
    reasons: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedReply(Event):
    SCHEMA: ClassVar[str] = "drafted_reply"
    comment: CommentEvent
    analysis: Analysis
    draft: Draft
    drafted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Event):
    """What is to be done about one wording of a comment; `text` is the exact reply where the action sends."""

    SCHEMA: ClassVar[str] = "decision"
    decision_id: str
    tenant_id: str
    platform: Platform
    account_id: str
    comment_id: str
    revision_id: str
    platform_comment_id: str
    platform_post_id: str | None = None
    thread_id: str
    author_id: str | None = None
    action: Action
    decided_by: DecidedBy
    person: str | None = None
    draft: Draft | None = None
    text: str | None = None
    policy_version: str
    rule: str
    reason: str
    priority: float
    expires_at: datetime | None = None
    received_at: datetime
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyOutcome(Event):
    SCHEMA: ClassVar[str] = "reply_outcome"
    outcome_id: str
    tenant_id: str
    platform: Platform
    account_id: str
    comment_id: str
    revision_id: str
    decision_id: str
    draft_id: str | None = None
    outcome: AttemptOutcome
    reason: str
    attempts: int
    reply_id: str | None = None
    text: str | None = None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Header(Record):
    name: str
    value: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter(Event):
    """A record that no stage can process, as it was; `value` is encrypted where `key_id` is set."""

    SCHEMA: ClassVar[str] = "dead_letter"
    dead_letter_id: str
    stage: str
    reason: str
    error: str
    message: str
    stack: str
    topic: str
    partition: int
    offset: int
    timestamp: datetime | None = None
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[Header, ...] = ()
    key_id: str | None = None
    failed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange(Event):
    """New content (`payload`: JSON) of a template, policy, account or voice."""

    SCHEMA: ClassVar[str] = "config_change"
    kind: ConfigKind
    tenant_id: str
    key: str
    version: int
    payload: str
    deleted: bool = False
    changed_by: str
    changed_at: datetime = field(default_factory=utc_now)

    @property
    def topic_key(self) -> str:
        """Key on the compacted topic."""
        return f"{self.kind}:{self.tenant_id}:{self.key}"


EVENTS: dict[str, type[Event]] = {
    event.SCHEMA: event
    for event in (
        CommentEvent,
        PostEvent,
        EngagementEvent,
        EnrichedComment,
        DraftedReply,
        Decision,
        ReplyOutcome,
        DeadLetter,
        ConfigChange,
    )
}
"""Event class by schema name."""
