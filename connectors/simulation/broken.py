"""Answers that break the connection instead."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

TRANSPORT: Final = "parley.transport"
"""Key under which the server puts a connection's transport into the ASGI scope."""


class Reset(Response):
    """No answer: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Resets the connection (RST, not FIN)."""
        transport = scope["extensions"][TRANSPORT]
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await _gone(receive)


class Silence(Response):
    """No answer: the connection stays open until the caller gives up, or for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Waits, then aborts the transport."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await _gone(receive)
                return
        scope["extensions"][TRANSPORT].abort()
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Returns when the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass
