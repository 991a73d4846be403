"""What waits for people, and whether the notices that call them arrive."""

from console.checks.finding import Finding, ok, problem, span, warning
from infra.postgres import Pool
from infra.settings import Settings
from schemas.states import OPEN_PEOPLE


async def check_unanswered(pool: Pool, settings: Settings) -> list[Finding]:
    """Comments that wait for a person, against the deadlines of moderators and supervisors."""
    row = await pool.fetchrow(
        "select count(*) as waiting, "
        "extract(epoch from clock_timestamp() - min(state_changed_at))::float8 as age "
        "from comments where tenant_id = $1 and state = any($2)",
        settings.tenant,
        [state.value for state in OPEN_PEOPLE],
    )
    assert row is not None  # noqa: S101  aggregates give a row
    if not row["waiting"]:
        return [ok("unanswered", "no comment waits for a person")]
    said = f"{row['waiting']} wait for a person, the longest for {span(row['age'] or 0.0)}"
    if (row["age"] or 0.0) > settings.review_deadline + settings.supervisor_deadline:
        return [warning("unanswered", f"{said}: past every deadline", "parley review list")]
    return [ok("unanswered", said)]


async def check_notices(pool: Pool, settings: Settings) -> list[Finding]:
    """Whether notices have a way out, and take it."""
    ways = [
        name
        for name, is_set in (
            ("webhook", settings.notify_webhook_url and settings.notify_webhook_secret),
            ("mail", settings.smtp_url and settings.notify_mail_to),
        )
        if is_set
    ]
    row = await pool.fetchrow(
        "select count(*) filter (where n.closed_at is null) as open, "
        "(select count(*) from notice_deliveries d join notices m using (notice_id) where m.tenant_id = $1 "
        " and d.delivered_at is null and d.attempts > 0) as failing, "
        "(select d.error from notice_deliveries d join notices m using (notice_id) where m.tenant_id = $1 "
        " and d.delivered_at is null and d.attempts > 0 order by d.next_at desc limit 1) as error "
        "from notices n where n.tenant_id = $1",
        settings.tenant,
    )
    assert row is not None  # noqa: S101  aggregates give a row
    if row["failing"]:
        said = f"{row['failing']} could not be delivered yet: {row['error'] or 'no error was noted'}"
        return [problem("notices", said, "correct PARLEY_NOTIFY_WEBHOOK_URL or PARLEY_SMTP_URL")]
    if not ways:
        said = f"{row['open']} are open and nobody is told: neither a webhook nor mail is set up"
        todo = "set PARLEY_NOTIFY_WEBHOOK_URL and its secret, or PARLEY_SMTP_URL and PARLEY_NOTIFY_MAIL_TO"
        quiet = ok("notices", "none is open; neither a webhook nor mail is set up")
        return [warning("notices", said, todo) if row["open"] else quiet]
    return [ok("notices", f"{row['open']} open, sent by {' and '.join(ways)}")]
