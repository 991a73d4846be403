"""The completeness ledger: by which way an account's comments came, counted from the rows themselves."""

from typing import Final

from infra.postgres import Pool

ACCOUNTS: Final = """
select a.platform, a.account_id, a.name, a.mode, a.status, a.status_reason, a.may_reply,
    a.only_when_mentioned, a.arrival, a.replies_per_minute, p.problem, p.problem_reason,
    p.last_good_at as last_good_poll, p.horizon_at as horizon, p.last_error,
    p.next_poll_at as next_poll, p.backfill_since,
    coalesce(c.comments, 0) as comments, coalesce(c.by_webhook, 0) as received_by_webhook,
    coalesce(c.only_by_poll, 0) as found_only_by_polling, coalesce(c.by_backfill, 0) as backfilled,
    case when a.arrival = 'polling' then 0 else coalesce(c.gaps, 0) end as gaps_filled
from social_accounts a
left join account_polls p using (tenant_id, platform, account_id)
left join lateral (
    select count(*) as comments, count(*) filter (where w) as by_webhook,
        count(*) filter (where q and not w) as only_by_poll,
        count(*) filter (where b and not w and not q) as by_backfill, sum(gaps)::bigint as gaps
    from (
        select bool_or(r.by_webhook) as w, bool_or(r.by_poll) as q, bool_or(r.by_backfill) as b,
            count(*) filter (where r.by_poll and not r.by_webhook) as gaps
        from comments c left join comment_revisions r using (comment_id)
        where c.tenant_id = a.tenant_id and c.platform = a.platform and c.account_id = a.account_id
        group by c.comment_id
    ) of_comment
) c on true
where a.tenant_id = $1 order by 1, 2
"""


async def accounts(pool: Pool, tenant: str) -> list[dict[str, object]]:
    """The tenant's accounts with their ledger, a row each.

    `received_by_webhook`: comments of which a webhook brought a wording; `found_only_by_polling`: those that
    only polls brought; `backfilled`: those that came as the past of a newly connected account, and no other
    way; `gaps_filled`: wordings, edits among them, that only polls brought, which is no gap where
    `arrival` expects no webhooks. A webhook that arrives later than the poll moves its comment from the
    second number to the first. Repeated records and restarts change nothing: no number is a counter.
    """
    return [dict(row) for row in await pool.fetch(ACCOUNTS, tenant)]
