"""How a ruling becomes a `Decision`: ids, text, priority and expiry, filled in one place."""

from datetime import datetime
from typing import Final, NamedTuple

from replies import priority
from replies.rules import PolicyDocument
from replies.signals import Signals, born
from schemas import identity
from schemas.events import CommentEvent, Decision, Draft
from schemas.states import Action, DecidedBy

_OPEN: Final = frozenset({Action.AUTO_APPROVE, Action.REVIEW, Action.ESCALATE})


class Ruling(NamedTuple):
    """What a rule says: its action, its name, and why."""

    action: Action
    rule: str
    reason: str


def revision_of(comment: CommentEvent) -> str:
    """The id of the comment's wording, derived where the event does not carry it."""
    kinds = [attachment.kind for attachment in comment.attachments]
    return comment.revision_id or identity.revision_id(comment.comment_id, comment.text, kinds)


def decision(
    policy_version: str,
    ruling: Ruling,
    signals: Signals | None,
    document: PolicyDocument | None,
    now: datetime,
    *,
    comment: CommentEvent | None = None,
    draft: Draft | None = None,
) -> Decision:
    """The machine's decision. Without `signals` (nothing could be read) `comment` and `draft` are needed.

    An answer is worth nothing once the comment is too old, so that is when what is still open expires.
    """
    if signals:
        comment, draft = signals.comment, signals.draft
    if comment is None:
        raise ValueError("a decision needs its comment")
    revision = revision_of(comment)
    expires_at, urgency = None, priority.RISK
    if signals and document:
        life = document.max_age[comment.platform]
        life = document.expires.get(comment.platform, {}).get(signals.analysis.intent, life)
        expires_at = born(comment) + life if ruling.action in _OPEN else None
        urgency = priority.score(
            signals.analysis.intent,
            signals.analysis.sentiment,
            risk=any(group in signals.groups for group in document.risk_groups),
            age_share=signals.age / life,
            opens_thread=comment.platform_parent_id is None,
            mentions=comment.mentions_account is True,
            followers=comment.author_followers,
            weights=document.priority,
        )
    return Decision(
        decision_id=identity.decision_id(
            revision, draft.draft_id if draft else None, DecidedBy.MACHINE, ruling.action
        ),
        tenant_id=comment.tenant_id,
        platform=comment.platform,
        account_id=comment.account_id,
        comment_id=comment.comment_id,
        revision_id=revision,
        platform_comment_id=comment.platform_comment_id,
        platform_post_id=comment.platform_post_id,
        thread_id=comment.thread_id,
        author_id=comment.author_id,
        action=ruling.action,
        decided_by=DecidedBy.MACHINE,
        draft=draft,
        text=draft.text if draft and ruling.action.sends else None,
        policy_version=policy_version,
        rule=ruling.rule,
        reason=ruling.reason,
        priority=urgency,
        expires_at=expires_at,
        received_at=comment.observed_at,
        decided_at=now,
    )
