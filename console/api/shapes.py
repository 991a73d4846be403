"""What the HTTP API takes and gives, as its OpenAPI document shows it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from console.people import Role
from replies.account import Mode
from schemas.events import DraftOrigin, Platform
from schemas.labels import Intent, Sentiment
from schemas.states import State


def is_storable(value: str) -> bool:
    """True if Postgres takes the text: no null characters, no halves of surrogate pairs."""
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _storable(value: str) -> str:
    if not is_storable(value):
        raise ValueError("it must not hold null characters or halves of surrogate pairs")
    return value


Text = Annotated[str, AfterValidator(_storable)]
"""Text that Postgres and the platforms can take."""


class Given(BaseModel):
    """What a request brings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why nothing was done, and what to do."""

    detail: str


class Me(BaseModel):
    """Whose key this is."""

    name: str
    role: Role


class ReviewItem(BaseModel):
    """A comment that waits for a person."""

    comment_id: UUID
    level: Literal["moderator", "supervisor"]
    reason: str
    cause: str
    priority: float
    due_at: datetime | None
    created_at: datetime
    is_open: bool
    claimed_by: str | None
    claimed_at: datetime | None
    platform: Platform
    account_id: str
    author_name: str | None
    text: str | None
    permalink: str | None
    state: State
    received_at: datetime
    sentiment: Sentiment | None
    intent: Intent | None
    language: str | None
    draft: str | None
    origin: DraftOrigin | None
    confidence_score: float | None
    template: str | None

    @classmethod
    def of(cls, row: Any) -> "ReviewItem":
        """From a row of `review_items.ITEM`."""
        return cls.model_validate({name: row[name] for name in cls.model_fields})


class Claimed(BaseModel):
    """Until when the item is yours."""

    until: datetime


class Approval(Given):
    """`text`: what to send instead of the draft; the draft as it is without it."""

    text: Annotated[Text, Field(min_length=1, max_length=8000)] | None = None


class Reason(Given):
    """Why, kept with the decision."""

    reason: Annotated[Text, Field(max_length=300)] = ""


class Decided(BaseModel):
    """The decision that is on its way to the poster."""

    decision_id: UUID
    comment_id: UUID
    action: str
    text: str | None


class TemplateContent(Given):
    """A template without its name and version; see `parley templates`."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    intent: Intent
    sentiment: Sentiment | None = None
    content: Annotated[Text, Field(min_length=1, max_length=8000)]
    active: bool = True
    platforms: tuple[Platform, ...] = ()
    accounts: tuple[Annotated[Text, Field(max_length=200)], ...] = ()
    weight: Annotated[float, Field(ge=0, le=1)] = 1.0


class Template(TemplateContent):
    """A template in its newest version."""

    name: str
    version: int


class Said(BaseModel):
    """What was done."""

    message: str


class PolicyVersion(BaseModel):
    """The policy in force; `version` 0 is the shipped one."""

    version: int
    document: dict[str, Any]


class AccountShape(BaseModel):
    """An account, without its token."""

    platform: Platform
    account_id: str
    name: str
    mode: Mode
    status: str
    status_reason: str | None
    replies_per_minute: float


class ModeChange(Given):
    """How far Parley goes for the account."""

    mode: Mode


class CommentShape(BaseModel):
    """A comment, its newest labels, and the reply that was sent."""

    comment_id: UUID
    platform: Platform
    account_id: str
    author_name: str | None
    text: str | None
    state: State
    state_reason: str
    sentiment: Sentiment | None
    intent: Intent | None
    language: str | None
    reply: str | None
    replied_at: datetime | None
    received_at: datetime
    permalink: str | None


VoiceLine = Annotated[Text, Field(min_length=1, max_length=200)]


class VoiceContent(Given):
    """How the brand speaks where a language model drafts."""

    tone: Annotated[Text, Field(min_length=1, max_length=2000)]
    do: Annotated[tuple[VoiceLine, ...], Field(max_length=20)] = ()
    avoid: Annotated[tuple[VoiceLine, ...], Field(max_length=20)] = ()


class VoiceVersion(BaseModel):
    """The voice that serves a key; `version` 0 is the shipped one, `key` whose it is."""

    key: str
    version: int
    voice: VoiceContent
