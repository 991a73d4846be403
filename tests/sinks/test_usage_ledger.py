"""Usage by account and month, and the budget that follows from it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg

from infra import postgres
from infra.postgres import Pool
from replies.budget import MonthlyBudget
from schemas.events import utc_now
from sinks.usage_ledger import UsageLedger

PAGE, OTHER = ("facebook", "page"), ("x", "other")


async def test_what_two_workers_use_adds_up_and_bounds_both(pool: Pool) -> None:
    budgets = [MonthlyBudget(1000), MonthlyBudget(1000)]
    one, two = (UsageLedger(pool, "default", budget) for budget in budgets)
    assert budgets[0].refused(PAGE, utc_now()) == "budget_unknown"
    one.note(PAGE, "m", 400, 100)
    one.note(PAGE, "m", 100, 0)
    two.note(PAGE, "m", 300, 100)
    two.note(OTHER, "n", 1, 1)
    for ledger in (one, two, one):
        assert await ledger.settle()
    assert [budget.refused(PAGE, utc_now()) for budget in budgets] == ["budget_spent"] * 2
    assert budgets[1].refused(OTHER, utc_now()) is None
    rows = await pool.fetch(
        "select account_id, model, calls, prompt_tokens, completion_tokens from usage order by 1"
    )
    assert [tuple(row) for row in rows] == [("other", "n", 1, 1, 1), ("page", "m", 3, 800, 200)]


async def test_while_postgres_is_away_it_counts_on_and_writes_later(pool: Pool, database_url: str) -> None:
    away = await postgres.create_pool("postgresql://nobody@127.0.0.1:9/none", connected=False)
    budget = MonthlyBudget(1000)
    ledger = UsageLedger(away, "default", budget)
    ledger.note(PAGE, "m", 10, 5)
    assert not await ledger.settle()
    ledger.note(PAGE, "m", 10, 5)
    ledger._pool = pool
    assert await ledger.settle()
    assert await pool.fetchval("select prompt_tokens + completion_tokens from usage") == 30
    assert budget._spent == {}
    away.terminate()


class Cut:
    """A pool whose connection was cut while in use: its release raises in the cancellation's place."""

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        try:
            await asyncio.sleep(3600)
        finally:
            raise asyncpg.InterfaceError("connection has been released back to the pool")
        yield


async def test_a_worker_whose_connection_was_cut_while_it_stops_ends() -> None:
    ledger = UsageLedger(Cut(), "default", MonthlyBudget(1000))  # type: ignore[arg-type]
    running = asyncio.create_task(ledger.run())
    await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=20)
    assert done


async def test_what_is_being_written_when_the_worker_stops_is_written_at_last(
    pool: Pool, database_url: str
) -> None:
    async with postgres.open_pool(database_url, size=1) as other, other.acquire() as holder:
        ledger = UsageLedger(pool, "default", MonthlyBudget(1000), every=3600)
        ledger.note(PAGE, "m", 10, 5)
        async with holder.transaction():
            await holder.execute("lock table usage in access exclusive mode")
            running = asyncio.create_task(ledger.run())
            waits = "select count(*) from pg_locks where relation = 'usage'::regclass and not granted"
            while not await holder.fetchval(waits):
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.sleep(0)
        await asyncio.wait({running})
    assert await pool.fetchval("select prompt_tokens + completion_tokens from usage") == 15
