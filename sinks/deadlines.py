"""Deadlines of what waits for a person: given when an item opens, raised to a supervisor when they pass."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from infra import audit
from infra.postgres import Connection

_GIVE: Final = """
update review_items set due_at = created_at
    + case level when 'supervisor' then $3::interval else $2::interval end
where tenant_id = $1 and is_open and due_at is null
"""

# An item that a person has claimed is being worked on, but not for ever: a claim does not hold a deadline up.
_RAISE: Final = """
update review_items set level = 'supervisor', due_at = clock_timestamp() + $2::interval,
    reason = left('not handled in time; ' || reason, 1000)
where tenant_id = $1 and is_open and level = 'moderator' and due_at < clock_timestamp()
returning comment_id, revision_id
"""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a moderator's and a supervisor's item may wait."""

    moderator: timedelta
    supervisor: timedelta


async def keep(connection: Connection, tenant: str, deadlines: Deadlines) -> None:
    """Gives deadlines to items that have none, and hands those of moderators that passed to supervisors.

    Within the caller's transaction.
    """
    await connection.execute(_GIVE, tenant, deadlines.moderator, deadlines.supervisor)
    for row in await connection.fetch(_RAISE, tenant, deadlines.supervisor):
        await audit.write_down(
            connection,
            tenant,
            audit.BY_PARLEY,
            "review.deadline_passed",
            f"comment:{row['comment_id']}",
            {"revision": str(row["revision_id"])},
        )
