"""Deadlines of what waits for a person: given when an item opens, raised to a supervisor when they pass."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from infra.postgres import Connection

_GIVE: Final = """
update review_items set due_at = created_at
    + case level when 'supervisor' then $3::interval else $2::interval end
where tenant_id = $1 and is_open and due_at is null
"""

# An item that a person has claimed is being worked on, but not for ever: a claim does not hold a deadline up.
_RAISE: Final = """
with raised as (
    update review_items set level = 'supervisor', due_at = clock_timestamp() + $2::interval,
        reason = left('not handled in time; ' || reason, 1000)
    where tenant_id = $1 and is_open and level = 'moderator' and due_at < clock_timestamp()
    returning comment_id, revision_id
)
insert into audit_log (tenant_id, actor, action, subject, details)
select $1, 'parley', 'review.deadline_passed', 'comment:' || comment_id,
    jsonb_build_object('revision', revision_id)
from raised
"""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a moderator's and a supervisor's item may wait."""

    moderator: timedelta
    supervisor: timedelta


async def keep(connection: Connection, tenant: str, deadlines: Deadlines) -> None:
    """Gives deadlines to items that have none, and hands those of moderators that passed to supervisors."""
    await connection.execute(_GIVE, tenant, deadlines.moderator, deadlines.supervisor)
    await connection.execute(_RAISE, tenant, deadlines.supervisor)
