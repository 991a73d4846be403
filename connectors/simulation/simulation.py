"""A simulated platform: its world, what happens to it, what it sends, and the HTTP server before it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from fastapi import FastAPI

from connectors.journal import Journal
from connectors.simulation.config import SimulationConfig
from connectors.simulation.control_api import ControlApi
from connectors.simulation.deliveries import Deliveries, Wire
from connectors.simulation.faults import Faults
from connectors.simulation.happenings import Happenings, Notice
from connectors.simulation.serving import serving
from connectors.simulation.world import Comment, World
from schemas.events import Platform


class Simulation:
    """One account of a platform with its parts; nothing runs before `serving`, which sets `url`.

    A platform's simulator gives the parts, and overrides `notice`, `routes` and, where it has more to show,
    `state` and `unblock`.
    """

    def __init__(
        self, platform: Platform, config: SimulationConfig, *, world: World, wire: Wire, faults: Faults
    ) -> None:
        self.platform = platform
        self.url = ""
        self.world = world
        self.faults = faults
        self.scale = config.scale
        self.journal = Journal(config.journal, platform)
        self.deliveries = Deliveries(config, wire, faults, self.journal)
        self.happenings = Happenings(world, self.journal, self._tell)

    def notice(self, verb: str, comment: Comment) -> Notice | None:
        """What the platform announces of a change; None where it announces nothing."""
        raise NotImplementedError

    def routes(self, app: FastAPI) -> None:
        """Adds the platform's API."""
        raise NotImplementedError

    def unblock(self) -> None:
        """Ends whatever the platform does to an account that writes too much."""

    def add_comments(self, comments: Iterable[Mapping[str, Any]]) -> list[str]:
        """People comment; the platform's ids in order. Keys as in `POST /sim/comments`."""
        return [self.happenings.comment(**comment).id for comment in comments]

    async def stream(
        self, comments: Iterable[Mapping[str, Any]], *, rate: float | None = None, most_pending: int = 2000
    ) -> list[str]:
        """People comment at `rate` a second, or (None) as fast as their notices are accepted; gives the ids.

        At most `most_pending` notices wait at any time, whatever the rate.
        """
        ids: list[str] = []
        started = time.monotonic()
        for comment in comments:
            if rate is not None:
                early = started + len(ids) / rate - time.monotonic()
                if early > 0:
                    await asyncio.sleep(early)
            await self.deliveries.room(most_pending)
            ids += self.add_comments([comment])
            if len(ids) % 100 == 0:
                await asyncio.sleep(0)
        return ids

    def state(self) -> dict[str, Any]:
        """What exists now."""
        return {
            "account_id": self.world.account_id,
            "posts": [post.id for post in self.world.posts.values()],
            "comments": len(self.world.comments),
            "removed": self.world.deaths,
            "pending": self.deliveries.pending,
            "accepted": self.deliveries.accepted,
            "scale": self.scale,
        }

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serves until the block ends; gives the base URL. `port` 0: a free one."""
        app = FastAPI(title=f"Simulated {self.platform}", openapi_url=None)
        ControlApi(self).add_to(app)
        self.routes(app)
        async with serving(app, host, port) as self.url:
            await self.deliveries.start()
            try:
                yield self.url
            finally:
                await self.deliveries.stop()
        self.journal.close()

    def _tell(self, verb: str, comment: Comment) -> None:
        notice = self.notice(verb, comment)
        if notice is not None:
            self.deliveries.offer(notice)
