"""The last look at Postgres before a reply leaves: is the row still ours, and does nothing stand against it?

What passes is marked as being sent, in the transaction that looked: from then on a crash leaves it in doubt.
What was never marked was never sent. Rows that arrive while one transaction runs share the next.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from infra.postgres import NOW, Pool
from sinks import facts
from sinks.claims import WORKING
from sinks.post_sink import Clock
from sinks.queueing import FATE

# The comment's row is locked, so what was being written about it meanwhile is seen. A reply of the account
# under the comment that nobody has explained yet may be its staff's, or ours and late: either way wait.
_MARK: Final = f"""
update reply_queue q set sending_at = {NOW}
from comments c, social_accounts a, reply_pace p
where q.decision_id = any ($3::uuid[]) and q.state = 'posting' and c.comment_id = q.comment_id
    and (a.tenant_id, a.platform, a.account_id) = (q.tenant_id, q.platform, q.account_id)
    and (p.tenant_id, p.platform, p.account_id) = (q.tenant_id, q.platform, q.account_id)
    and q.claimed_by = $4 and p.lease_holder = $4 and p.lease_epoch = q.lease_epoch
    and p.leased_until > {NOW} + make_interval(secs => $5)
    and {WORKING}
    and (a.mode = 'auto' or q.decided_by = 'person') and ({FATE}) is null
    and not exists (select from observed_replies o where o.comment_id = q.comment_id and o.author is null)
returning q.decision_id
"""  # noqa: S608


class Gate:
    """One poster's gate. `lasting`: seconds that the lease must still hold, those of one call that sends."""

    def __init__(self, pool: Pool, tenant: str, poster: str, *, lasting: float, clock: Clock) -> None:
        self._pool = pool
        self._tenant = tenant
        self._poster = poster
        self._lasting = lasting
        self._clock = clock
        self._asking: list[tuple[Any, asyncio.Future[bool]]] = []
        self._round: asyncio.Task[None] | None = None

    async def passes(self, row: Any) -> bool:
        """True if the row may be sent now, and is marked so. Raises what asyncpg raises: it is not sent."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asking.append((row, answer))
        if self._round is None:
            self._round = asyncio.create_task(self._answer())
        return await answer

    async def _answer(self) -> None:
        try:
            while self._asking:
                asked, self._asking = self._asking, []
                try:
                    passed = await self._mark([row for row, _ in asked], self._clock())
                except BaseException as error:
                    for _, answer in asked:
                        if not answer.done():
                            answer.set_exception(_copy(error))
                    if not isinstance(error, Exception):
                        raise
                    continue
                for row, answer in asked:
                    if not answer.done():
                        answer.set_result(row["decision_id"] in passed)
        finally:
            self._round = None

    async def _mark(self, rows: Sequence[Any], now: datetime | None) -> set[Any]:
        async with self._pool.acquire() as connection, connection.transaction():
            await facts.lock(connection, sorted({str(row["comment_id"]) for row in rows}))
            marked = await connection.fetch(
                _MARK, now, self._tenant, [row["decision_id"] for row in rows], self._poster, self._lasting
            )
        return {row["decision_id"] for row in marked}


def _copy(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else ConnectionError("stopped before it was released")
