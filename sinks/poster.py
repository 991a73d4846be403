"""The poster: drains the reply queue at each account's pace, and settles what is in doubt.

Guarantee: no comment is answered twice, whatever crashes. A row is committed as `posting` with its exact text
before the call, its outcome after it; what is in doubt is looked up on the platform before anything else, and
what was in doubt and given up still counts against every later reply to its comment.
Any number of posters share the accounts (`sinks.leases`); one that was stopped past its lease sends nothing
of what it had claimed (`sinks.gate`).
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any, Final

from connectors.platform import PlatformClient
from infra import logs
from infra.crypto import KeyRing
from infra.postgres import Pool, transient
from infra.settings import Settings
from infra.tracing import OFF, Tracing
from schemas import codec
from schemas.errors import TransientError
from sinks import claims, facts, posters, queueing, upkeep
from sinks.calls import Calls
from sinks.claims import Ready
from sinks.gate import Gate
from sinks.leases import Leases
from sinks.ours import Ours
from sinks.pacing import Pacing
from sinks.post_sink import Clock, database_clock
from sinks.senders import Clients, Senders
from sinks.settling import Rules
from sinks.wakeup import POLL, Wakeup

LOOKUPS: Final = 4
"""Look-ups of one account under way at once."""

_LINGER: Final = 0.01
"""Seconds in which outcomes gather for one transaction."""

_NEXT_CLAIM: Final = 0.1
"""Seconds between claims of an account whose budget, not its concurrency, is the limit."""

_NOTHING_FOUND: Final = 0.5
"""Seconds until the next claim of an account whose waiting replies may not leave just now."""

_UPKEEP: Final = 2.0
_LONGEST_PAUSE: Final = 10.0

log = logs.get(__name__)


class Poster:
    """Posts the replies of one tenant; `run` until cancelled. `step` makes one round, for tests."""

    def __init__(
        self,
        pool: Pool,
        clients: Clients,
        keys: KeyRing,
        settings: Settings,
        *,
        clock: Clock = database_clock,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        tracing: Tracing = OFF,
    ) -> None:
        self._pool = pool
        self._senders = Senders(clients, keys, settings.tenant)
        self._tenant = settings.tenant
        self._concurrency = settings.posting_concurrency
        self._timeout = settings.posting_timeout
        one_call = 1.5 * self._timeout
        self._rules = Rules(
            call=one_call,
            lease=4 * self._timeout + 5,
            settle_after=settings.posting_settle_after,
            grace=settings.staff_grace,
            block=settings.posting_block_cooldown,
        )
        self._clock = clock
        self._monotonic = monotonic
        self._name = posters.new_name()
        self._codec = codec.load()
        self._leases = Leases(
            self._name, self._tenant, seconds=self._rules.lease, monotonic=monotonic, wall=wall
        )
        self._gate = Gate(pool, self._tenant, self._name, lasting=one_call, clock=clock)
        self._calls = Calls(
            limit=one_call,
            gate=self._gate.passes,
            still_ours=lambda place, epoch: self._leases.epoch(place, lasting=one_call) == epoch,
            tracing=tracing,
        )
        self._pacing = Pacing(monotonic)
        self._next_claim: dict[tuple[str, str], float] = {}
        self._upkept_at = float("-inf")

    async def run(self) -> None:
        """Posts until cancelled; then lets calls end, and gives back what was not sent and the leases."""
        pause = 0.0
        async with Wakeup(self._pool, queueing.CHANNEL) as wakeup:
            self._calls.on_end = wakeup.wake
            try:
                while True:
                    try:
                        delay = await self.step()
                        pause = 0.0
                    except TransientError as error:
                        delay = pause = min(max(2 * pause, 0.2), _LONGEST_PAUSE)
                        log.warning("posting waits", error=str(error), pause=pause)
                    await wakeup.wait(delay)
                    if self._calls:
                        await asyncio.sleep(_LINGER)
            finally:
                self._calls.stop()
                await self.idle()
                await self.release()

    async def step(self) -> float:
        """One round: writes outcomes, claims, starts calls; returns seconds until the next round is due.

        Raises TransientError if Postgres is away; nothing is lost by it.
        """
        with transient():
            # Side by side: slots are free again before the outcomes of what filled them are written.
            failed, delay = await asyncio.gather(
                self._write_outcomes(), self._start_what_is_due(), return_exceptions=True
            )
            if isinstance(failed, BaseException):
                raise failed
            if isinstance(delay, BaseException):
                raise delay
            return delay

    async def idle(self) -> None:
        """Waits until no call is under way, and writes the outcomes."""
        await self._calls.join()
        with transient():
            await self._write_outcomes()

    async def release(self) -> None:
        """Gives its accounts to the other posters; for when nothing is under way any more."""
        self._upkept_at = float("-inf")
        with transient():
            await self._leases.release(self._pool)

    async def _start_what_is_due(self) -> float:
        await self._keep_up()
        async with self._pool.acquire() as connection:
            accounts = await claims.ready(connection, self._tenant, self._name, self._clock())
        return min([await self._serve(account) for account in accounts], default=POLL)

    async def _serve(self, account: Ready) -> float:
        client = self._senders.of(account)
        if client is None or self._leases.epoch((account.platform, account.account_id)) != account.epoch:
            return POLL
        if account.has_unknown:
            await self._look_up(account, client)
        slots = self._concurrency - self._calls.attempts(account.platform, account.account_id)
        if not account.has_queued or slots <= 0:
            return POLL
        place = (account.platform, account.account_id)
        wait = max(
            account.wait,
            self._pacing.wait(place, client.usage),
            self._next_claim.get(place, 0) - self._monotonic(),
        )
        if wait > 0:
            return min(wait, POLL)
        return await self._post(account, client, slots)

    async def _post(self, account: Ready, client: PlatformClient, slots: int) -> float:
        began = self._monotonic()
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await claims.claim(
                connection,
                self._tenant,
                account,
                slots=slots,
                poster=self._name,
                slowed=self._pacing.share(client.usage),
                settle_after=self._rules.settle_after,
                now=self._clock(),
            )
            tried = await claims.tried_in_threads(connection, rows, now=self._clock())
            await facts.refresh(connection, sorted({str(row["comment_id"]) for row in rows}))
        # Committed: from here on a crash leaves rows that say what may have been sent.
        for row in rows:
            self._calls.post(row, client, self._ours(tried[row["decision_id"]]), every=account.every)
        if len(rows) == slots:
            return POLL
        pause = _NEXT_CLAIM if rows else _NOTHING_FOUND
        self._next_claim[account.platform, account.account_id] = began + pause
        return pause

    async def _look_up(self, account: Ready, client: PlatformClient) -> None:
        slots = LOOKUPS - self._calls.look_ups(account.platform, account.account_id)
        if slots <= 0:
            return
        again = max(self._rules.look_every, 2 * self._timeout)  # no second look while one may be under way
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await claims.claim_lookups(
                connection, self._tenant, account, slots=slots, again=again, now=self._clock()
            )
            tried = await claims.tried_in_threads(connection, rows, now=self._clock())
        for row in rows:
            self._calls.look(row, client, self._ours(tried[row["decision_id"]]))

    def _ours(self, tried: Collection[Any]) -> Ours:
        return Ours(tried, settle_after=self._rules.settle_after)

    async def _write_outcomes(self) -> None:
        while self._calls.ended:
            verdicts = self._calls.ended[:]
            await upkeep.settle_all(self._pool, self._codec, verdicts, rules=self._rules, now=self._clock())
            del self._calls.ended[: len(verdicts)]

    async def _keep_up(self) -> None:
        if self._monotonic() - self._upkept_at < min(_UPKEEP, self._rules.lease / 4):
            return
        await upkeep.keep_up(self._pool, self._codec, self._tenant, rules=self._rules, now=self._clock())
        await self._leases.keep(self._pool, self._clock(), busy=self._calls.busy)
        self._upkept_at = self._monotonic()
