"""What waits for a person, and who works on it: the same for the command line and the HTTP API.

An item is claimed by one person at a time, for a while; deciding claims it (`console.review_decisions`).

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

from console.people import Role, User
from infra.postgres import Connection, Pool
from schemas.errors import ConfigurationError
from schemas.events import utc_now
from schemas.states import State

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
            by = f"{decided['person']} chose {decided['action']}"
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
        row = await held(connection, tenant, comment_id, user)
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
        row = await held(connection, tenant, comment_id, user)
        await connection.execute(
            "update review_items set claimed_by = null, claimed_at = null where revision_id = $1",
            row["revision_id"],
        )


async def held(
    connection: Connection, tenant: str, comment_id: str, user: User, *, escalating: bool = False
) -> Any:
    """The open item, locked, if this person may work on it; raises NoItem, Taken or NotAllowed."""
    row = await item(connection, tenant, comment_id, lock=True)
    least = Role.SUPERVISOR if row["level"] == "supervisor" and not escalating else Role.MODERATOR
    if not user.role.may(least):
        raise NotAllowed(f"Items of the level {row['level']} are decided by a {least}, you are {user.role}.")
    held_by, until = row["claimed_by"], (row["claimed_at"] or utc_now()) + CLAIM
    if held_by not in (None, user.name) and until > utc_now():
        raise Taken(f"{held_by} works on the item of comment {comment_id} until {until:%H:%M:%S} UTC.")
    return row
