"""Events about comments that are known by a number, and a clock that moves when told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import headers, identity
from schemas.events import (
    Analysis,
    CommentEvent,
    CommentKind,
    Decision,
    Draft,
    DraftedReply,
    DraftOrigin,
    EnrichedComment,
    Platform,
    Source,
)
from schemas.labels import Intent, Sentiment
from schemas.records import Event
from schemas.states import Action, DecidedBy
from streams.stage import Input

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ANALYSIS = Analysis(
    model="tiny",
    model_hash="abc",
    sentiment=Sentiment.POSITIVE,
    sentiment_scores={"positive": 0.75, "neutral": 0.25},
    intent=Intent.COMPLIMENT,
    intent_scores={"compliment": 1.0},
    language="en",
    language_confidence=1.0,
    unknown_share=0.0,
)


class Clock:
    """A present that moves when told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        """The same, as a monotonic clock."""
        return (self.now - NOON).total_seconds()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Story:
    """Makes events about comments that are known by a number."""

    page = "page-1"

    def comment_id(self, number: int) -> str:
        return identity.comment_id(Platform.FACEBOOK, self.page, f"c{number}")

    def revision(self, number: int, text: str = "Lovely!") -> str:
        return identity.revision_id(self.comment_id(number), text)

    def comment(
        self,
        number: int = 1,
        kind: str = "added",
        *,
        text: str | None = "Lovely!",
        at: float = 0,
        **other: Any,
    ) -> CommentEvent:
        """A comment event that happened `at` seconds after noon and was seen a second later."""
        wording = CommentKind(kind).has_wording
        return CommentEvent(
            kind=CommentKind(kind),
            tenant_id="default",
            platform=Platform.FACEBOOK,
            account_id=self.page,
            comment_id=self.comment_id(number),
            platform_comment_id=f"c{number}",
            platform_post_id="post-1",
            revision_id=self.revision(number, text or "") if wording else None,
            author_id="author",
            author_name="Ann",
            text=text if wording or kind == "reply_observed" else None,
            created_at=NOON,
            occurred_at=NOON + timedelta(seconds=at),
            observed_at=NOON + timedelta(seconds=at + 1),
            source=Source.WEBHOOK,
            **other,
        )

    def staff(
        self, number: int = 1, text: str = "Call us", reply_id: str = "s1", at: float = 0
    ) -> CommentEvent:
        return self.comment(number, "reply_observed", text=text, reply_id=reply_id, at=at)

    def enriched(self, number: int = 1, text: str = "Lovely!") -> EnrichedComment:
        return EnrichedComment(
            comment=self.comment(number, text=text),
            analysis=ANALYSIS,
            enriched_at=NOON + timedelta(seconds=3),
        )

    def draft(self, number: int = 1, text: str = "Thank you!", about: str = "Lovely!") -> Draft:
        revision = self.revision(number, about)
        return Draft(
            draft_id=identity.draft_id(revision, text, DraftOrigin.TEMPLATE),
            revision_id=revision,
            text=text,
            origin=DraftOrigin.TEMPLATE,
            language="en",
            confidence=0.5,
            template="thanks",
            template_version=1,
            reasons=("short",),
        )

    def drafted(self, number: int = 1, text: str = "Thank you!", about: str = "Lovely!") -> DraftedReply:
        return DraftedReply(
            comment=self.comment(number, text=about),
            analysis=ANALYSIS,
            draft=self.draft(number, text, about),
            drafted_at=NOON + timedelta(seconds=4),
        )

    def decision(
        self,
        number: int = 1,
        action: str = "auto_approve",
        *,
        by: str = "machine",
        text: str = "Thank you!",
        about: str = "Lovely!",
        at: float = 5,
        priority: float = 1,
        expires_in: float | None = None,
    ) -> Decision:
        draft = self.draft(number, text, about)
        who = "machine" if by == "machine" else f"person:{by}"
        return Decision(
            decision_id=identity.decision_id(draft.revision_id, draft.draft_id, who, action),
            tenant_id="default",
            platform=Platform.FACEBOOK,
            account_id=self.page,
            comment_id=self.comment_id(number),
            revision_id=draft.revision_id,
            platform_comment_id=f"c{number}",
            platform_post_id="post-1",
            thread_id=f"c{number}",
            author_id="author",
            action=Action(action),
            decided_by=DecidedBy.MACHINE if by == "machine" else DecidedBy.PERSON,
            person=None if by == "machine" else by,
            draft=draft,
            text=text if Action(action).sends else None,
            policy_version="1",
            rule="rule",
            reason=f"{by} says {action}",
            priority=priority,
            expires_at=None if expires_in is None else NOON + timedelta(seconds=expires_in),
            received_at=NOON + timedelta(seconds=1),
            decided_at=NOON + timedelta(seconds=at),
        )

    def record(self, event: Event, *, replay: bytes | None = None) -> Input[Any]:
        """The record that the runner would hand to a stage."""
        marks = {headers.REPLAY: replay} if replay else {}
        return Input(event, str(getattr(event, "comment_id", "")), marks, "topic", 0, 0, NOON)

    def records(self, events: Sequence[Event]) -> list[Input[Any]]:
        return [self.record(event) for event in events]
