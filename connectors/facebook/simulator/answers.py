"""Bodies and broken connections with which the simulated Graph API answers."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

TRANSPORT = "parley.transport"
"""Key under which the server puts a connection's transport into the ASGI scope."""


def answer(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer in the form of the Graph API (slashes escaped, as recorded)."""
    body = json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode("ascii")
    return Response(body, status, dict(headers or {}), "text/javascript; charset=UTF-8")


def error(
    code: int,
    message: str,
    *,
    subcode: int | None = None,
    status: int = 400,
    kind: str = "OAuthException",
    transient: bool | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A Graph error body."""
    body: dict[str, Any] = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        body["error_subcode"] = subcode
    if transient is not None:
        body["is_transient"] = transient
    body["fbtrace_id"] = "Aparleysimulated"
    return answer({"error": body}, status=status, headers=headers)


def missing(method: str, object_id: str, *, with_subcode: bool = True) -> Response:
    """The error of an object that is deleted, invisible or never was."""
    verb = "get" if method == "GET" else "post" if method == "POST" else "delete"
    message = (
        f"Unsupported {verb} request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api"
    )
    return error(100, message, subcode=33 if with_subcode else None, kind="GraphMethodException")


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
