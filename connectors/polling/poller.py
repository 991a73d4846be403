"""The process that polls: which account is due, its check, its round, and what becomes of failures.

Any number may run: an account is polled by whoever holds its lease. What fails for one account stops no
other.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final

from connectors.accounts import Account
from connectors.marks import Marks
from connectors.outcomes import AccountStopped, RequestRefused
from connectors.platform import AccountCheck, PlatformClient, Usage
from connectors.polling.access import Access
from connectors.polling.known import Known
from connectors.polling.news import News, Publishes
from connectors.polling.patience import Patience
from connectors.polling.posts import Posts
from connectors.polling.round import Round
from connectors.polling.store import LEASE, Due, Store
from infra import logs
from infra.settings import Settings
from schemas.codec import Codec
from schemas.errors import ConfigurationError, ThrottledError, TransientError
from schemas.events import Platform, Source, utc_now

log = logs.get(__name__)

AT_ONCE: Final = 8
"""Accounts polled at once by one process."""

TICK: Final = 2.0
"""Seconds between looks at which accounts are due."""

MARGIN: Final = timedelta(minutes=10)
"""Looked back beyond the last good poll after an outage longer than the horizon."""

_THROTTLED: Final = 900.0
_SUBSCRIBE: Final = (
    "The platform sends this app none of the account's webhooks; `parley accounts connect` it: "
)
_NO_SUBSCRIPTION: Final = {
    True: f"{_SUBSCRIBE}until then comments are found by polling alone.",
    False: f"{_SUBSCRIBE}until then no comment comes, for it is not polled.",
}
"""By whether the account is polled."""

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
        self._interval = settings.poll_interval
        self._horizon = timedelta(seconds=settings.poll_horizon)
        self._count = count
        self._problems = problems
        self._known = Known(store.pool, store.tenant)
        self._news = News(publisher, codec)
        self._absent = Patience(600, 86_400)
        self._posts = Posts(store, access, self._round, count)
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Polls what is due, over and over; servers that are away are waited for."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._posts.run())
            while True:
                try:
                    # Not waited for: one account with very many comments must hold up no other.
                    for each in await self._store.due(AT_ONCE - len(self._busy)):
                        self._busy.add(_name(each.account))
                        group.create_task(self._poll(each))
                    self._problems(await self._store.problems())
                except TransientError as error:
                    log.warning("polling waits", error=str(error))
                await asyncio.sleep(TICK)

    async def tick(self) -> int:
        """Polls every account that is due, and fetches posts that comments named; gives how many accounts."""
        due = await self._store.due(AT_ONCE)
        await asyncio.gather(*(self._poll(each) for each in due))
        await self._posts.fetch()
        self._problems(await self._store.problems())
        return len(due)

    async def _poll(self, due: Due) -> None:
        try:
            await self._polled(due)
        except Exception:  # one account's trouble must stop no other; its lease ends by itself
            log.exception("a poll failed", platform=due.account.platform, account=due.account.account_id)
        finally:
            self._busy.discard(_name(due.account))

    async def _polled(self, due: Due) -> None:
        account = due.account
        horizon, error, after = None, None, self._interval
        try:
            async with self._leased(account):
                since = self._since(due)
                client = await self._access.client(account)
                if await self._checked(due, client) and due.arrival.by_polling:
                    await self._round(client).run(since)
                    horizon = since
                    await self._backfill(client, due, since)
                after *= _slowed(client.usage)
        except ThrottledError as failure:
            after = max(failure.retry_after or _THROTTLED, self._interval)
            error = str(failure)
        except AccountStopped as failure:
            await self._mark(account, failure.cause.value, str(failure))
            error = str(failure)
        except (
            ConfigurationError
        ) as failure:  # its token cannot be opened, or what refreshing takes is missing
            await self._mark(account, "configuration", str(failure))
            error = str(failure)
        except (TransientError, RequestRefused) as failure:
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

    async def _checked(self, due: Due, client: PlatformClient) -> bool:
        """True if the account can be polled; notes what the platform says of its access."""
        account = due.account
        check: AccountCheck = await client.check()
        if check.problem is not None:
            await self._mark(account, check.problem.value, check.reason)
        elif check.subscribed is False and due.arrival.by_webhook:
            await self._mark(account, "subscription", _NO_SUBSCRIPTION[due.arrival.by_polling])
        else:
            await self._mark(account, None, "")
        return check.problem is None or not check.problem.stops_account

    def _since(self, due: Due) -> datetime:
        """The horizon, or further back where the last good poll is longer ago than that."""
        horizon = utc_now() - self._horizon
        return horizon if due.last_good_at is None else min(horizon, due.last_good_at - MARGIN)

    async def _backfill(self, client: PlatformClient, due: Due, polled_since: datetime) -> None:
        if (since := due.backfill_since) is None:
            return
        marks = Marks(due.backfill_marks)
        # Kafka and Postgres share no transaction: stored once Kafka has acknowledged, the marks may lag but
        # never lead, and what is published again has the same ids.
        await self._round(client).run(
            since,
            Source.BACKFILL,
            # What is newer was polled just now; what came meanwhile is no past, and the next poll's to find.
            before=polled_since,
            marks=marks,
            reached=lambda: self._store.backfill_reached(due.account, since, marks.state),
        )
        await self._store.backfilled(due.account, since)

    def _round(self, client: PlatformClient) -> Round:
        platform = client.account.platform
        return Round(
            client,
            self._known,
            self._news,
            self._absent,
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


def _name(account: Account) -> str:
    return f"{account.platform}:{account.account_id}"


def _slowed(usage: Usage) -> float:
    """How many intervals to wait, by what is used of the platform's limit: posting needs the rest."""
    return 1 if usage.percent < 50 else 2 if usage.percent < 75 else 6
