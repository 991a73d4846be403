"""A small HTTP server inside a running event loop: for simulators, and for tests of what they talk to."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connectors.simulation.broken import TRANSPORT
from schemas.errors import EnvironmentFault


class _Protocol(HttpToolsProtocol):
    """Lets an answer reach its connection, to break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]


class _Server(uvicorn.Server):
    """Leaves signals to the program that it is part of, and ends when told, not at the next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told_to_stop = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.told_to_stop.wait()


@contextlib.asynccontextmanager
async def serving(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves until the block ends; gives the base URL. `port` 0: a free one. Open requests are broken off.

    Raises EnvironmentFault if the port is taken.
    """
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        why = os.strerror(error.errno or 0)  # what `strerror` holds names the address a second time
        raise EnvironmentFault(
            f"Port {port} of {host} cannot be listened on: {why}. Stop what listens there, or choose another "
            "port (--port)."
        ) from error
    # asyncio sets it on sockets that name their protocol, which those of `create_server` do not. Without it
    # an answer's body waits for the caller to acknowledge its head: 40 ms a call.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_keep_alive=75,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield "http://{}:{}".format(*listener.getsockname()[:2])
    finally:
        server.force_exit = True
        server.told_to_stop.set()
        await task
