"""The simulated Facebook: one page behind HTTP, for tests, the demo, and whoever develops a connector."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from fastapi import FastAPI

from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.control_api import ControlApi
from connectors.facebook.simulator.deliveries import Deliveries
from connectors.facebook.simulator.faults import Faults
from connectors.facebook.simulator.graph_api import GraphApi
from connectors.facebook.simulator.happenings import Happenings
from connectors.facebook.simulator.http import serving
from connectors.facebook.simulator.limits import Limits
from connectors.facebook.simulator.world import World
from connectors.journal import Journal
from schemas.events import Platform


class Simulator:
    """A simulated page with its parts; nothing runs before `serving`, which sets `url`. One event loop."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.url = ""
        self.world = World(config)
        self.faults = Faults()
        self.limits = Limits(config, time.monotonic)
        self.journal = Journal(config.journal, Platform.FACEBOOK)
        self.deliveries = Deliveries(config, self.faults, self.journal)
        self.happenings = Happenings(self.world, self.journal, self.deliveries.offer)
        self.app = _app(self)

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
            "page_id": self.world.page_id,
            "posts": [post.id for post in self.world.posts.values()],
            "comments": len(self.world.comments),
            "removed": self.world.deaths,
            "pending": self.deliveries.pending,
            "accepted": self.deliveries.accepted,
            "usage_percent": self.limits.percent,
            "scale": self.config.scale,
        }

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serves until the block ends; gives the base URL. `port` 0: a free one."""
        async with serving(self.app, host, port) as self.url:
            await self.deliveries.start()
            try:
                yield self.url
            finally:
                await self.deliveries.stop()
        self.journal.close()


def _app(simulator: Simulator) -> FastAPI:
    app = FastAPI(title="Simulated Facebook", openapi_url=None)
    control = ControlApi(simulator)
    graph = GraphApi(
        simulator.config, simulator.happenings, simulator.faults, simulator.limits, simulator.journal
    )
    app.add_route("/{version}/{object_id}/comments", graph.comments, ["GET", "POST"])
    app.add_route("/sim/comments", control.comments, ["POST"])
    app.add_route("/sim/comments/{comment_id}/{what}", control.happen, ["POST"])
    app.add_route("/sim/callback", control.callback, ["POST"])
    app.add_route("/sim/faults", control.faults, ["GET", "POST", "DELETE"])
    app.add_route("/sim/faults/{name}", control.faults, ["DELETE"])
    app.add_route("/sim/unblock", control.unblock, ["POST"])
    app.add_route("/sim/state", control.state, ["GET"])
    app.add_route("/{version}/{object_id}", graph.node, ["GET", "POST", "DELETE"])
    return app
