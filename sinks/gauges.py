"""How long the reply queue is, how old, and what may be sent of it: gauges, read from Postgres."""

from datetime import datetime
from typing import Final

from infra import metrics
from infra.postgres import NOW, Connection
from schemas.events import Platform
from sinks.claims import WORKING

_QUEUE: Final = f"""
select platform, state, count(*) as count,
    extract(epoch from {NOW} - min(enqueued_at))::float8 as age
from reply_queue where tenant_id = $2 and state in ('queued', 'posting', 'unknown') group by 1, 2
"""  # noqa: S608
_BUDGET: Final = f"""
select a.platform, sum(a.replies_per_minute) as budget from social_accounts a where {WORKING} group by 1
"""  # noqa: S608

_STATES: Final = ("queued", "posting", "unknown")


async def measure(connection: Connection, tenant: str, now: datetime | None) -> None:
    """Sets the gauges of the reply queue and of the budget, by platform."""
    queue = {(row["platform"], row["state"]): row for row in await connection.fetch(_QUEUE, now, tenant)}
    budget = {row["platform"]: row["budget"] for row in await connection.fetch(_BUDGET, now, tenant)}
    for platform in map(str, Platform):
        for state in _STATES:
            row = queue.get((platform, state))
            metrics.REPLY_QUEUE.labels(platform, state).set(row["count"] if row else 0)
            metrics.REPLY_QUEUE_AGE.labels(platform, state).set(max(0.0, row["age"]) if row else 0)
        metrics.BUDGET.labels(platform).set(budget.get(platform, 0))
