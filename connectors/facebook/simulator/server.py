"""The simulated Facebook: one page behind HTTP, for tests, the demo, and whoever develops a connector."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connectors.facebook.simulator.answers import TRANSPORT
from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.control_api import ControlApi
from connectors.facebook.simulator.deliveries import Deliveries
from connectors.facebook.simulator.faults import Faults
from connectors.facebook.simulator.graph_api import GraphApi
from connectors.facebook.simulator.happenings import Happenings
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
        listener = socket.create_server((host, port), backlog=1024)
        server = _Server(uvicorn_config(self.app))
        async with _running(server, listener):
            await self.deliveries.start()
            try:
                self.url = "http://{}:{}".format(*listener.getsockname()[:2])
                yield self.url
            finally:
                await self.deliveries.stop()
        self.journal.close()


def uvicorn_config(app: FastAPI) -> uvicorn.Config:
    """The server's settings: quiet, fast, and with transports that faults can break."""
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        proxy_headers=False,
        server_header=False,
    )


class _Protocol(HttpToolsProtocol):
    """Lets an answer reach its connection, to reset it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]


class _Server(uvicorn.Server):
    """Leaves signals to the program that it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _running(server: uvicorn.Server, listener: socket.socket) -> AsyncIterator[None]:
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        server.force_exit = True
        await task


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
