"""Posts that comments named and nobody has fetched: each is read once, and published."""

import asyncio
from collections.abc import Callable
from typing import Final

from connectors.outcomes import NotReadable, RequestRefused
from connectors.platform import PlatformClient
from connectors.polling.access import Access
from connectors.polling.patience import Patience
from connectors.polling.round import Round
from connectors.polling.store import Store
from infra import logs
from schemas.errors import ParleyError, TransientError
from schemas.events import Platform

log = logs.get(__name__)

TICK: Final = 2.0
"""Seconds between looks."""


class Posts:
    """`run` fetches until it is cancelled. `count` is told `post:gone`, `post:unreadable` and `post:failed`.

    `unreadable` is no fault: the comment named its post as the platform shows none, and is answered without
    its text. What is being stored, gone or refused is asked for again after ever longer times.
    """

    def __init__(
        self,
        store: Store,
        access: Access,
        round_of: Callable[[PlatformClient], Round],
        count: Callable[[Platform, str, int], None],
    ) -> None:
        self._store = store
        self._access = access
        self._round_of = round_of
        self._count = count
        self._looked = Patience(60, 86_400)

    async def run(self) -> None:
        """Fetches what is unknown, over and over; servers that are away are waited for."""
        while True:
            try:
                await self.fetch()
            except TransientError as error:
                log.warning("posts are not fetched yet", error=str(error))
            await asyncio.sleep(TICK)

    async def fetch(self) -> None:
        """One look; raises TransientError where Postgres is away."""
        for account, post_id in await self._store.unknown_posts(self._looked.waiting()):
            name = f"{account.platform}:{account.account_id}"
            if not self._looked.is_due(name):
                continue
            self._looked.looked(f"{name}:{post_id}")
            try:
                if not await self._round_of(await self._access.client(account)).post(post_id):
                    self._count(account.platform, "post:gone", 1)
                continue
            except NotReadable as failure:
                self._count(account.platform, "post:unreadable", 1)
                log.debug("no post is shown by this name", platform=account.platform, reason=str(failure))
                continue
            except RequestRefused as failure:
                error: Exception = failure
            except ParleyError as failure:  # of the account, not of the post: its other posts wait as well
                self._looked.looked(name)
                error = failure
            except Exception as failure:  # one post that cannot be understood must stop nothing else
                log.exception("a post could not be read", platform=account.platform, post=post_id)
                error = failure
            self._count(account.platform, "post:failed", 1)
            log.warning("a post could not be read", platform=account.platform, post=post_id, error=str(error))
