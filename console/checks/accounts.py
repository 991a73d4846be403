"""What polling found out about the connected accounts, and whether their webhooks can be accepted."""

from typing import Final

import asyncpg

from console.checks.finding import Finding, ok, problem, span, warning
from console.checks.webhooks import lacking
from infra.postgres import Pool
from infra.settings import Settings
from schemas.arrival import Arrival
from schemas.events import Platform

_ROUNDS: Final = 4
"""Intervals without a good poll after which something is wrong: a throttled account waits for a few."""


async def check_webhooks(pool: Pool, settings: Settings) -> list[Finding]:
    """Whether the settings hold what webhooks of the connected platforms need."""
    rows = await pool.fetch(
        "select distinct platform from social_accounts where tenant_id = $1 "
        "and arrival <> 'polling' order by 1",
        settings.tenant,
    )
    found = [
        warning(
            f"webhooks of {row['platform']}",
            f"all are refused: {', '.join(missing)} is not set; polling alone finds comments",
            f"set {' and '.join(missing)} for parley up or parley serve",
        )
        for row in rows
        if (missing := lacking(Platform(row["platform"]), settings))
    ]
    return found or [ok("webhooks", "what their signatures need is set for every connected platform")]


async def check_polls(pool: Pool, settings: Settings) -> list[Finding]:
    """Whether each account that is not paused was polled lately, and what its latest check found."""
    rows = await pool.fetch(
        "select a.platform, a.account_id, p.problem, p.problem_reason, p.last_error, extract(epoch from "
        "clock_timestamp() - coalesce(p.last_good_at, greatest(a.created_at, a.updated_at)))::float8 as age, "
        "p.last_good_at is not null as polled, a.arrival from social_accounts a left join account_polls p "
        "using (tenant_id, platform, account_id) where a.tenant_id = $1 and a.status = 'active' "
        "order by 1, 2",
        settings.tenant,
    )
    found = [each for row in rows if (each := _polled(row, settings.poll_interval)) is not None]
    return found or [ok("polling", f"{len(rows)} accounts, none late, no check found a problem")]


def _polled(row: asyncpg.Record, interval: float) -> Finding | None:
    name = f"polling {row['platform']}/{row['account_id']}"
    which = f"{row['platform']} {row['account_id']}"
    if row["problem"]:
        said = f"{row['problem']}: {row['problem_reason'] or 'no reason was told'}"
        if row["problem"] == "subscription":
            return warning(name, said, f"subscribe it: parley accounts connect {row['platform']}")
        return problem(name, said, f"mend what it says, then parley accounts check {which}")
    if row["age"] <= _ROUNDS * interval or not Arrival(row["arrival"]).by_polling:
        return None
    since = f"no good poll for {span(row['age'])}" if row["polled"] else f"not polled in {span(row['age'])}"
    if row["last_error"]:
        return warning(name, f"{since}: {row['last_error']}", f"parley accounts check {which}")
    return problem(name, since, "start what polls: parley up, or parley poll")
