"""What waits for a person, and the person's word: the same for the command line and the HTTP API.

An item is claimed by one person at a time, for a while; deciding claims it. A decision is written to the
outbox in the transaction that closes the item, and travels to the poster over `replies.decided` like the
machine's. The first final word wins; whoever comes second is told who was first.

    ReviewError      nothing was done; the message says why and what to do
    ├── NoItem       nothing of this comment waits
    ├── Taken        somebody else has claimed or decided it, or the comment changed meanwhile
    ├── NotAllowed   this role may not decide items of this level
    └── NothingToSend  there is no draft, or the text cannot be sent
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from console.people import Role, User, audit
from infra.postgres import Connection, Pool
from replies.guardrails import LIMITS, length_on
from schemas import codec, identity, topics
from schemas.errors import ConfigurationError
from schemas.events import Decision, Draft, DraftOrigin, Platform, utc_now
from schemas.states import Action, DecidedBy, State
from sinks.outbox import enqueue

CLAIM: Final = timedelta(minutes=15)
"""How long a claim holds; whoever works on the item may claim it again."""

_WAITING: Final = frozenset({State.NEEDS_REVIEW, State.ESCALATED})
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

ITEM: Final = """
select r.comment_id, r.revision_id, r.draft_id, r.level, r.reason, r.priority, r.due_at, r.created_at,
       r.is_open, r.cause, r.claimed_by, r.claimed_at,
       c.tenant_id, c.platform, c.account_id, c.platform_comment_id, c.platform_post_id, c.platform_parent_id,
       c.author_id, c.author_name, c.text, c.state, c.received_at, c.current_revision_id, c.permalink,
       a.sentiment, a.intent, a.language, g.content as draft, g.origin, g.language as draft_language,
       g.confidence_score, g.template, g.template_version
from review_items r
join comments c using (comment_id)
left join lateral (
    select * from analyses a where a.revision_id = r.revision_id order by enriched_at desc limit 1
) a on true
left join generated_responses g on g.draft_id = r.draft_id
"""


class ReviewError(ConfigurationError):
    """Nothing was done."""


class NoItem(ReviewError):
    """Nothing of this comment waits."""


class Taken(ReviewError):
    """Somebody else was first."""


class NotAllowed(ReviewError):
    """The role does not suffice."""


class NothingToSend(ReviewError):
    """There is no text, or none that can be sent."""


async def waiting(
    pool: Pool,
    tenant: str,
    *,
    limit: int,
    level: str | None = None,
    platform: str | None = None,
    account_id: str | None = None,
    mine: str | None = None,
) -> Sequence[Any]:
    """The open items, the most urgent first: supervisors' before others, then by deadline and priority.

    `mine`: only those that this person has claimed.
    """
    return list(
        await pool.fetch(
            ITEM + "where r.is_open and r.tenant_id = $1 and ($3::text is null or r.level = $3) "
            "and ($4::text is null or c.platform = $4) and ($5::text is null or c.account_id = $5) "
            "and ($6::text is null or (r.claimed_by = $6 and r.claimed_at > $7)) "
            "order by (r.level = 'supervisor') desc, r.due_at nulls last, r.priority desc, r.created_at "
            "limit $2",
            tenant,
            limit,
            level,
            platform,
            account_id,
            mine,
            utc_now() - CLAIM,
        )
    )


async def item(connection: "Connection | Pool", tenant: str, comment_id: str, *, lock: bool = False) -> Any:
    """The newest item of the comment whose id begins so; raises NoItem or, locking, Taken."""
    whole = comment_id if _ID.fullmatch(comment_id) else await _meant(connection, tenant, comment_id)
    row: Any = await connection.fetchrow(
        ITEM
        + "where r.comment_id = $1::uuid and r.tenant_id = $2 "
        + "order by r.is_open desc, r.created_at desc limit 1"
        + (" for update of r" if lock else ""),
        whole,
        tenant,
    )
    if row is None:
        raise NoItem(f"No item of comment {comment_id} waits. `parley review list` shows what does.")
    if lock and not row["is_open"]:
        decided = await connection.fetchrow(
            "select person, action from decisions where revision_id = $1 and decided_by = 'person' "
            "order by decided_at limit 1",
            row["revision_id"],
        )
        if decided:
            by = f"{decided['action']} by {decided['person']}"
        elif row["state"] in _WAITING:
            by = "somebody decided it a moment ago"
        else:
            by = f"the comment is {row['state']}"
        raise Taken(f"The item of comment {comment_id} is closed: {by}.")
    return row


async def _meant(connection: "Connection | Pool", tenant: str, beginning: str) -> str | None:
    """The only comment with an item whose id begins so; raises NoItem where there are several."""
    found = await connection.fetch(
        "select distinct comment_id::text as id from review_items "
        "where tenant_id = $2 and starts_with(comment_id::text, $1) limit 3",
        beginning,
        tenant,
    )
    if len(found) > 1:
        raise NoItem(f"{beginning} begins several ids, {found[0]['id']} for one. Give more of it.")
    return found[0]["id"] if found else None


async def claim(pool: Pool, tenant: str, comment_id: str, user: User) -> datetime:
    """Reserves an item for a person and returns until when; raises NoItem, Taken or NotAllowed."""
    async with pool.acquire() as connection, connection.transaction():
        row = await _mine(connection, tenant, comment_id, user)
        now = utc_now()
        await connection.execute(
            "update review_items set claimed_by = $2, claimed_at = $3 where revision_id = $1",
            row["revision_id"],
            user.name,
            now,
        )
    return now + CLAIM


async def release(pool: Pool, tenant: str, comment_id: str, user: User) -> None:
    """Gives a claim back; harmless where there is none. Raises NoItem or Taken."""
    async with pool.acquire() as connection, connection.transaction():
        row = await _mine(connection, tenant, comment_id, user)
        await connection.execute(
            "update review_items set claimed_by = null, claimed_at = null where revision_id = $1",
            row["revision_id"],
        )


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
        row = await _mine(connection, tenant, comment_id, user, escalating=action is Action.ESCALATE)
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
        await audit(connection, tenant, user.name, f"review.{action}", subject, {})
        await enqueue(connection, codec.load(), topics.REPLIES_DECIDED, decision.comment_id, decision)
    return decision


async def _mine(
    connection: Connection, tenant: str, comment_id: str, user: User, *, escalating: bool = False
) -> Any:
    """The open item, locked, if this person may work on it."""
    row = await item(connection, tenant, comment_id, lock=True)
    least = Role.SUPERVISOR if row["level"] == "supervisor" and not escalating else Role.MODERATOR
    if not user.role.may(least):
        raise NotAllowed(f"Items of the level {row['level']} are decided by a {least}, you are {user.role}.")
    held_by, until = row["claimed_by"], (row["claimed_at"] or utc_now()) + CLAIM
    if held_by not in (None, user.name) and until > utc_now():
        raise Taken(f"{held_by} works on the item of comment {comment_id} until {until:%H:%M:%S} UTC.")
    return row


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
