"""The drafter of a worker: a language model with everything around it, where one is set up."""

import asyncio
import time
from contextlib import AsyncExitStack

from console.live_desk import LiveDesk
from console.servers import Servers
from infra import logs, postgres
from infra.settings import Settings
from replies.answer import SCHEMA
from replies.breaker import Breaker
from replies.budget import MonthlyBudget, TokensAMinute
from sinks.usage_ledger import UsageLedger
from streams.runner import Work
from streams.stages.draft import Drafter

log = logs.get(__name__)


async def compose_drafter(
    work: Work, resources: AsyncExitStack, settings: Settings, servers: Servers, desk: LiveDesk
) -> tuple[Drafter, int]:
    """The drafter, and how many drafts it makes at once.

    Without a key and without an address of a language model it is the templates alone.
    """
    key = settings.language_model_key
    if settings.language_model_url is None and key is None:
        return desk.draft, settings.batch_size
    # Here, because they bring libraries that are slow to import, and templates need none of them.
    from connectors.language_model.client import open_model
    from models.language import Languages
    from replies.semantic_cache import SemanticCache
    from sinks.draft_context import DraftContext
    from streams.author import Author
    from streams.calling import Caller
    from streams.writing import Writer

    given = settings.language_model_temperature
    model = await resources.enter_async_context(
        open_model(
            url=settings.language_model_url,
            key=key.get_secret_value() if key else None,
            name=settings.language_model_name,
            temperature=None if given == "default" else given,
            max_tokens=settings.language_model_max_tokens,
            timeout=settings.language_model_timeout,
            concurrency=settings.language_model_concurrency,
        )
    )
    # Not connected yet: what is read there makes drafts better, and they are made without it as well.
    pool = await resources.enter_async_context(postgres.open_pool(servers.database, size=4, connected=False))
    budget, cache = MonthlyBudget(settings.language_model_monthly_tokens), SemanticCache()
    ledger = UsageLedger(pool, settings.tenant, budget)
    await ledger.settle()
    work.background.append(ledger.run)
    desk.on_change(cache.clear)
    if settings.language_model_monthly_tokens == 0:
        log.warning(
            "the language model's monthly budget is zero: templates draft",
            setting="PARLEY_LANGUAGE_MODEL_MONTHLY_TOKENS",
        )
    languages = await asyncio.to_thread(Languages)
    author = Author(
        desk=desk,
        caller=Caller(
            model=model,
            schema=SCHEMA,
            breaker=Breaker(time.monotonic),
            tokens=TokensAMinute(settings.language_model_tokens_per_minute, time.monotonic),
            time_limit=settings.language_model_time_limit,
            max_tokens=settings.language_model_max_tokens,
        ),
        note=ledger.note,
        checked=languages.checked,
    )
    context = DraftContext(pool, examples=settings.language_model_examples)
    writer = Writer(desk=desk, author=author, context=context, cache=cache, budget=budget)
    return writer, settings.language_model_concurrency
