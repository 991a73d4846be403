"""A person's word on an item, from the command line or the HTTP API.

It is written to the outbox in the transaction that closes the item, and travels to the poster over
`replies.decided` like the machine's. The first final word wins; whoever comes second is told who was first.
"""

from typing import Any

from console.people import User
from console.review_items import NothingToSend, held
from infra import audit
from infra.postgres import Pool
from replies.guardrails import LIMITS, length_on
from schemas import codec, identity, topics
from schemas.events import Decision, Draft, DraftOrigin, Platform, utc_now
from schemas.states import Action, DecidedBy
from sinks.outbox import enqueue


async def decide(
    pool: Pool,
    tenant: str,
    comment_id: str,
    action: Action,
    user: User,
    *,
    text: str | None = None,
    reason: str = "",
) -> Decision:
    """Writes a person's decision: item closed, outbox row, audit row, in one transaction.

    Raises ReviewError if there is no open item, it was decided or claimed by another, the role does not
    suffice, or there is nothing that can be sent.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await held(connection, tenant, comment_id, user, escalating=action is Action.ESCALATE)
        decision = _decision(dict(row), action, user.name, text, reason or f"{action} by a person")
        escalates = action is Action.ESCALATE
        await connection.execute(
            "update review_items set is_open = $2, level = $3, closed_at = $4, claimed_by = null, "
            "claimed_at = null, due_at = case when level = $3 then due_at end where revision_id = $1",
            row["revision_id"],
            escalates,
            "supervisor" if escalates else row["level"],
            None if escalates else decision.decided_at,
        )
        subject = f"comment:{row['comment_id']}"
        await audit.write_down(connection, tenant, user.name, f"review.{action}", subject)
        await enqueue(connection, codec.load(), topics.REPLIES_DECIDED, decision.comment_id, decision)
    return decision


def _decision(row: dict[str, Any], action: Action, person: str, text: str | None, reason: str) -> Decision:
    now = utc_now()
    revision = str(row["revision_id"])
    draft = _draft(row, revision, text)
    sent = draft.text if draft and action.sends else None
    if action.sends and not sent:
        raise NothingToSend("This item has no draft. Write the reply: `parley review edit ID --text ...`.")
    if sent:
        _check_length(Platform(row["platform"]), sent)
    return Decision(
        decision_id=identity.decision_id(
            revision, draft.draft_id if draft else None, f"person:{person}", action
        ),
        tenant_id=row["tenant_id"],
        platform=Platform(row["platform"]),
        account_id=row["account_id"],
        comment_id=str(row["comment_id"]),
        revision_id=revision,
        platform_comment_id=row["platform_comment_id"],
        platform_post_id=row["platform_post_id"],
        thread_id=row["platform_parent_id"] or row["platform_comment_id"],
        author_id=row["author_id"],
        action=action,
        decided_by=DecidedBy.PERSON,
        person=person,
        draft=draft,
        text=sent,
        policy_version="person",
        rule="person",
        reason=reason,
        priority=float(row["priority"]),
        received_at=row["received_at"],
        decided_at=now,
    )


def _draft(row: dict[str, Any], revision: str, text: str | None) -> Draft | None:
    if text is not None and text != row["draft"]:
        return Draft(
            draft_id=identity.draft_id(revision, text, DraftOrigin.PERSON),
            revision_id=revision,
            text=text,
            origin=DraftOrigin.PERSON,
            language=row["language"] or "und",
            confidence=1.0,
        )
    if row["draft"] is None:
        return None
    return Draft(
        draft_id=str(row["draft_id"]),
        revision_id=revision,
        text=row["draft"],
        origin=DraftOrigin(row["origin"]),
        language=row["draft_language"],
        confidence=float(row["confidence_score"]),
        template=row["template"],
        template_version=row["template_version"],
    )


def _check_length(platform: Platform, text: str) -> None:
    length = length_on(platform, text)
    if length > LIMITS[platform]:
        raise NothingToSend(
            f"The reply has {length} characters, {platform} takes {LIMITS[platform]}. Shorten it."
        )
