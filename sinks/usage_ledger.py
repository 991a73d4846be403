"""What a language model costs: kept in Postgres by account and month, and the monthly budget that follows.

What a worker used goes to the table every few seconds, added up; the totals come back with it, those of other
workers among them. While Postgres is away the worker counts on from what it knows.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import asyncpg

from infra import logs
from infra.postgres import Pool, transient
from replies.budget import Key, MonthlyBudget
from schemas.errors import TransientError
from schemas.events import utc_now

log = logs.get(__name__)

EVERY: Final = 2.0
"""Seconds between two writings."""

_Row = tuple[date, str, str, str]
"""Month, platform, account id, model."""


class UsageLedger:
    """Notes usage and keeps the budget current; `run` is background work of a worker."""

    def __init__(self, pool: Pool, tenant: str, budget: MonthlyBudget, *, every: float = EVERY) -> None:
        self._pool = pool
        self._tenant = tenant
        self._budget = budget
        self._every = every
        self._used: defaultdict[_Row, list[int]] = defaultdict(lambda: [0, 0, 0])

    def note(self, account: Key, model: str, prompt_tokens: int, completion_tokens: int) -> None:
        """One call that was answered."""
        now = utc_now()
        self._budget.spend(account, prompt_tokens + completion_tokens, now)
        row = self._used[(now.date().replace(day=1), *account, model)]
        row[0] += 1
        row[1] += prompt_tokens
        row[2] += completion_tokens

    async def settle(self) -> bool:
        """Writes what was used and learns the month's totals; False while Postgres is away."""
        used, self._used = self._used, defaultdict(lambda: [0, 0, 0])
        month = utc_now().date().replace(day=1)
        try:
            with transient():
                async with self._pool.acquire() as connection, connection.transaction():
                    await connection.executemany(
                        """
                        insert into usage as u (tenant_id, month, platform, account_id, model,
                            calls, prompt_tokens, completion_tokens)
                        values ($1, $2, $3, $4, $5, $6, $7, $8)
                        on conflict (tenant_id, platform, account_id, month, model) do update set
                            calls = u.calls + excluded.calls,
                            prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
                            completion_tokens = u.completion_tokens + excluded.completion_tokens,
                            updated_at = now()
                        """,
                        [(self._tenant, *row, *counts) for row, counts in sorted(used.items())],
                    )
                    totals = await connection.fetch(
                        "select platform, account_id, "
                        "sum(prompt_tokens + completion_tokens)::bigint as tokens "
                        "from usage where tenant_id = $1 and month = $2 group by platform, account_id",
                        self._tenant,
                        month,
                    )
        except asyncio.CancelledError:
            # Whether it was written is not known: twice is a budget that ends early, never is money lost.
            self._take_back(used)
            raise
        except (TransientError, asyncpg.PostgresError) as error:
            self._take_back(used)
            log.warning("usage is not written yet", error=str(error))
            return False
        written: defaultdict[Key, int] = defaultdict(int)
        for (of, platform, account, _), (_, prompt, completion) in used.items():
            if of == month:
                written[platform, account] += prompt + completion
        known = {(row["platform"], row["account_id"]): row["tokens"] for row in totals}
        self._budget.learn(month, known, written)
        return True

    def _take_back(self, used: Mapping[_Row, Sequence[int]]) -> None:
        for row, counts in used.items():
            self._used[row] = [old + new for old, new in zip(self._used[row], counts, strict=True)]

    async def run(self) -> None:
        """Settles again and again until cancelled, and a last time then."""
        try:
            while True:
                await self.settle()
                await asyncio.sleep(self._every)
        finally:
            async with asyncio.timeout(2):
                await self.settle()
