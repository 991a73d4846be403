"""Whether Parley does its work: accounts, polling, webhooks, language model, people, notices."""

from console.checks.accounts import check_polls, check_webhooks
from console.checks.finding import Finding, look
from console.checks.language_model import check_drafts, check_language_model
from console.checks.people import check_notices, check_unanswered
from console.checks.posting import check_unsent
from infra import postgres
from infra.settings import Settings


async def check_service(database: str, settings: Settings) -> list[Finding]:
    """All of it, on a database that has this release's tables."""
    async with postgres.open_pool(database, size=2) as pool:
        found: list[Finding] = []
        for name, check in (
            ("webhooks", check_webhooks(pool, settings)),
            ("polling", check_polls(pool, settings)),
            ("language model", check_language_model(settings)),
            ("drafts", check_drafts(pool, settings)),
            ("unanswered", check_unanswered(pool, settings)),
            ("unsent replies", check_unsent(pool, settings)),
            ("notices", check_notices(pool, settings)),
        ):
            found += await look(name, check)
        return found
