"""Review over HTTP: what waits, claims, and decisions."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query

from console import review_decisions, review_items
from console.api.app import Analyst, In, Moderator
from console.api.shapes import (
    Approval,
    Claimed,
    CommentShape,
    Decided,
    Me,
    Reason,
    ReviewItem,
    Text,
)
from console.people import User
from schemas.events import Decision, Platform
from schemas.states import Action

router = APIRouter()


@router.get("/me", tags=["people"])
async def me(user: Analyst) -> Me:
    """Whose key this is."""
    return Me(name=user.name, role=user.role)


@router.get("/review/items", tags=["review"])
async def items(
    context: In,
    user: Analyst,
    level: Literal["moderator", "supervisor"] | None = None,
    platform: Platform | None = None,
    account_id: Annotated[Text | None, Query(max_length=200)] = None,
    mine: Annotated[bool, Query(description="Only those that I have claimed.")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[ReviewItem]:
    """What waits for a person, the most urgent first."""
    rows = await review_items.waiting(
        context.pool,
        context.tenant,
        limit=limit,
        level=level,
        platform=platform,
        account_id=account_id,
        mine=user.name if mine else None,
    )
    return [ReviewItem.of(row) for row in rows]


@router.get("/review/items/{comment_id}", tags=["review"])
async def item(context: In, _user: Analyst, comment_id: UUID) -> ReviewItem:
    """One item; the newest of its comment, open or closed."""
    return ReviewItem.of(await review_items.item(context.pool, context.tenant, str(comment_id)))


@router.post("/review/items/{comment_id}/claim", tags=["review"])
async def claim(context: In, user: Moderator, comment_id: UUID) -> Claimed:
    """Reserves an item, so that no two people work on it; claiming again makes it last longer."""
    return Claimed(until=await review_items.claim(context.pool, context.tenant, str(comment_id), user))


@router.delete("/review/items/{comment_id}/claim", tags=["review"], status_code=204)
async def release(context: In, user: Moderator, comment_id: UUID) -> None:
    """Gives a claim back."""
    await review_items.release(context.pool, context.tenant, str(comment_id), user)


@router.post("/review/items/{comment_id}/approve", tags=["review"])
async def approve(context: In, user: Moderator, comment_id: UUID, approval: Approval) -> Decided:
    """Sends the draft, or the given text instead."""
    text = approval.text.strip() if approval.text is not None else None
    if text == "":
        raise review_items.NothingToSend("The reply is empty. Write one, or reject the item.")
    return await _decided(context, comment_id, Action.APPROVE, user, text=text)


@router.post("/review/items/{comment_id}/reject", tags=["review"])
async def reject(context: In, user: Moderator, comment_id: UUID, reason: Reason) -> Decided:
    """Sends nothing."""
    return await _decided(context, comment_id, Action.REJECT, user, reason=reason.reason)


@router.post("/review/items/{comment_id}/escalate", tags=["review"])
async def escalate(context: In, user: Moderator, comment_id: UUID, reason: Reason) -> Decided:
    """Hands the item to a supervisor."""
    return await _decided(context, comment_id, Action.ESCALATE, user, reason=reason.reason)


async def _decided(
    context: In, comment_id: UUID, action: Action, user: User, *, text: str | None = None, reason: str = ""
) -> Decided:
    made: Decision = await review_decisions.decide(
        context.pool, context.tenant, str(comment_id), action, user, text=text, reason=reason
    )
    return Decided(
        decision_id=UUID(made.decision_id), comment_id=comment_id, action=made.action.value, text=made.text
    )


@router.get("/comments/{comment_id}", tags=["comments"])
async def comment(context: In, _user: Analyst, comment_id: UUID) -> CommentShape:
    """A comment with its state, its labels, and the reply that was sent."""
    row = await context.pool.fetchrow(
        "select * from comment_overview where comment_id = $1 and tenant_id = $2", comment_id, context.tenant
    )
    if row is None:
        raise HTTPException(404, f"There is no comment {comment_id}.")
    return CommentShape.model_validate({name: row[name] for name in CommentShape.model_fields})
