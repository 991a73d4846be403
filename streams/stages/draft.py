"""Stage `draft`: triage, then a proposed reply.

    comments.enriched ──> replies.drafted, or straight to replies.decided

What triage decides by itself (spam, chatter, too old, not allowed, escalations without a draft) never reaches
a template or a language model.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from schemas import topics
from schemas.events import Analysis, CommentEvent, Decision, Draft, DraftedReply, EnrichedComment, utc_now
from streams.stage import Hook, Input, Output, Result, Stage, Window


class Triage(Protocol):
    """Decides before any draft is made; pure and quick."""

    def __call__(self, comment: CommentEvent, analysis: Analysis, now: datetime, /) -> Decision | None:
        """A decision that needs no draft, or None to have one made."""


class Drafter(Protocol):
    """Proposes a reply. Raises TransientError where the same call may succeed later."""

    async def __call__(self, comment: CommentEvent, analysis: Analysis, /) -> Draft | None:
        """A draft, or None if nothing fits."""


class Earlier(Protocol):
    """Finds the draft that the machine once made; never raises."""

    async def __call__(self, comment: CommentEvent, /) -> Draft | None:
        """The first draft of this very wording, or None."""


class Decide(Protocol):
    """The policy; pure and quick."""

    def __call__(
        self, comment: CommentEvent, analysis: Analysis, draft: Draft | None, now: datetime, /
    ) -> Decision:
        """What is to be done with the draft; without one, usually a person's review."""


def draft(
    triage: Triage,
    drafter: Drafter,
    decide: Decide,
    *,
    earlier: Earlier | None = None,
    in_flight: int = 256,
    start: Hook | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Stage:
    """The stage, with up to `in_flight` drafts being made at once.

    A replayed comment keeps the draft that `earlier` finds: templates and models vary, the past does not.
    `start` is awaited before its first record (templates may have to be read first).
    """

    async def process(each: Input[EnrichedComment]) -> Result:
        comment, analysis = each.event.comment, each.event.analysis
        decision = triage(comment, analysis, now())
        if decision is None:
            made = await earlier(comment) if earlier is not None and each.replay else None
            made = made or await drafter(comment, analysis)
            if made is not None:
                labels = replace(analysis, embedding=None)  # personal data that nobody after this needs
                drafted = DraftedReply(comment=comment, analysis=labels, draft=made, drafted_at=now())
                return Result((Output(topics.REPLIES_DRAFTED, each.key, drafted),), outcome="drafted")
            decision = decide(comment, analysis, None, now())
        return Result((Output(topics.REPLIES_DECIDED, each.key, decision),), outcome=decision.action.value)

    return Stage(
        name="draft", reads=(topics.COMMENTS_ENRICHED,), process=process, shape=Window(in_flight), start=start
    )
