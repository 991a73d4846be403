"""What was approved and not sent, and why."""

from typing import Final

from console.checks.finding import Finding, ok, span, warning
from infra.postgres import Pool
from infra.settings import Settings

_LATE: Final = 3600.0
"""Seconds for which a reply waits before it is worth a look."""

_UNANSWERED: Final = """
select state, why, count(*) as replies, extract(epoch from max(waited))::float8 as longest
from unanswered_replies
where tenant_id = $1 and (state = 'queued' or enqueued_at > clock_timestamp() - interval '1 day')
group by 1, 2 order by 3 desc, 1, 2 limit 5
"""


async def check_unsent(pool: Pool, settings: Settings) -> list[Finding]:
    """Approved replies of the last day that were not sent, and all that wait, by reason."""
    rows = await pool.fetch(_UNANSWERED, settings.tenant)
    said = "; ".join(f"{row['replies']} {row['state']}: {row['why']}" for row in rows)
    waits = max((row["longest"] for row in rows if row["state"] == "queued"), default=0.0)
    if any(row["state"] != "queued" for row in rows) or waits > _LATE:
        longest = f"; the longest waits for {span(waits)}" if waits else ""
        return [
            warning(
                "unsent replies",
                f"{said}{longest}",
                "raise replies_per_minute, see parley accounts list, or parley sql on unanswered_replies",
            )
        ]
    return [ok("unsent replies", said or "every approved reply of the last day was sent")]
