"""The process that polls: which account is due, its check, its round, and what becomes of failures.

Any number may run: an account is polled by whoever holds its lease. What fails for one account stops no
other.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Final

from connectors.accounts import Account
from connectors.platform import AccountCheck, AccountStopped, PlatformClient, RequestRefused, Usage
from connectors.polling.access import Access
from connectors.polling.round import Publishes, Remembered, Round
from connectors.polling.store import LEASE, Due, Store
from infra import logs
from infra.settings import Settings
from schemas.codec import Codec
from schemas.errors import ConfigurationError, ParleyError, ThrottledError, TransientError
from schemas.events import Platform, Source, utc_now

log = logs.get(__name__)

AT_ONCE: Final = 8
"""Accounts polled at once by one process."""

TICK: Final = 2.0
"""Seconds between looks at which accounts are due, and which posts nobody has fetched."""

_THROTTLED: Final = 900.0
_NO_SUBSCRIPTION: Final = (
    "The platform sends this app none of the account's webhooks; subscribe it (`parley accounts connect`), "
    "or comments are found by polling alone."
)

Count = Callable[[Platform, str, int], None]
"""Counts: (platform, a short name without ids, how many)."""


class Poller:
    """`run` polls until it is cancelled. `problems` is told the number of marked accounts of every kind."""

    def __init__(
        self,
        store: Store,
        access: Access,
        publisher: Publishes,
        codec: Codec,
        settings: Settings,
        *,
        count: Count,
        problems: Callable[[dict[tuple[str, str], int]], None],
    ) -> None:
        self._store = store
        self._access = access
        self._publisher = publisher
        self._codec = codec
        self._interval = settings.poll_interval
        self._horizon = timedelta(seconds=settings.poll_horizon)
        self._count = count
        self._problems = problems
        self._remembered = Remembered()
        self._gone_posts = Remembered(10_000)

    async def run(self) -> None:
        """Polls what is due, over and over; servers that are away are waited for."""
        while True:
            try:
                await self.tick()
            except TransientError as error:
                log.warning("polling waits", error=str(error))
            await asyncio.sleep(TICK)

    async def tick(self) -> int:
        """Polls every account that is due, and fetches posts that comments named; gives how many accounts."""
        due = await self._store.due(AT_ONCE)
        await asyncio.gather(*(self._poll(each) for each in due))
        await self._fetch_posts()
        self._problems(await self._store.problems())
        return len(due)

    async def _poll(self, due: Due) -> None:
        account = due.account
        horizon, error, after = None, None, self._interval
        try:
            async with self._leased(account):
                since = utc_now() - self._horizon
                client = await self._access.client(account)
                if await self._checked(account, client):
                    await self._rounds(client, due)
                    horizon = since
                after *= _slowed(client.usage)
        except ThrottledError as failure:
            after = max(failure.retry_after or _THROTTLED, self._interval)
            error = str(failure)
        except AccountStopped as failure:
            await self._mark(account, failure.cause.value, str(failure))
            error = str(failure)
        except (TransientError, RequestRefused, ConfigurationError) as failure:
            error = str(failure)
        except Exception as failure:  # one account's trouble must stop no other
            log.exception("a poll failed", platform=account.platform, account=account.account_id)
            error = f"{type(failure).__name__}: {failure}"
        self._count(account.platform, "poll:failed" if error else "poll:done", 1)
        if error:
            log.warning("a poll failed", platform=account.platform, account=account.account_id, error=error)
        with contextlib.suppress(TransientError):  # the lease ends by itself then
            await self._store.done(
                account, after=after, horizon=horizon, error=error[:500] if error else None
            )

    async def _checked(self, account: Account, client: PlatformClient) -> bool:
        """True if the account can be polled; notes what the platform says of its access."""
        check: AccountCheck = await client.check()
        if check.problem is not None:
            await self._mark(account, check.problem.value, check.reason)
        elif check.subscribed is False:
            await self._mark(account, "subscription", _NO_SUBSCRIPTION)
        else:
            await self._mark(account, None, "")
        return check.problem is None or not check.problem.stops_account

    async def _rounds(self, client: PlatformClient, due: Due) -> None:
        await self._round(client).run(utc_now() - self._horizon)
        if due.backfill_since is not None:
            await self._round(client).run(due.backfill_since, Source.BACKFILL)
            await self._store.backfilled(due.account)

    def _round(self, client: PlatformClient) -> Round:
        platform = client.account.platform
        return Round(
            client,
            self._store,
            self._publisher,
            self._codec,
            self._remembered,
            lambda what, number: self._count(platform, what, number),
        )

    async def _mark(self, account: Account, problem: str | None, reason: str) -> None:
        if await self._store.mark(account, problem, reason):
            said = log.info if problem is None else log.error
            said(
                "an account's access changed",
                platform=account.platform,
                account=account.account_id,
                problem=problem,
                reason=reason,
            )

    async def _fetch_posts(self) -> None:
        for account, post_id in await self._store.unknown_posts():
            key = f"{account.platform}:{post_id}"
            if self._gone_posts.holds(key):
                continue
            # Asked once: what is being stored, gone or refused is not asked for again by this process.
            self._gone_posts.add(key)
            try:
                if not await self._round(await self._access.client(account)).post(post_id):
                    self._count(account.platform, "post:gone", 1)
            except ParleyError as error:
                log.warning("a post could not be read", platform=account.platform, error=str(error))

    @contextlib.asynccontextmanager
    async def _leased(self, account: Account) -> AsyncIterator[None]:
        """Prolongs the lease until the block ends."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 3)
                with contextlib.suppress(TransientError):
                    await self._store.keep(account)

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()


def _slowed(usage: Usage) -> float:
    """How many intervals to wait, by what is used of the platform's limit: posting needs the rest."""
    return 1 if usage.percent < 50 else 2 if usage.percent < 75 else 6
