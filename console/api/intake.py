"""What a request may cost: its body's size, the time its body takes to arrive, the time its answer takes.

FastAPI reads a body whole before it looks at the key, and the process takes in webhooks too. So a body is
read here first, bounded, and a request that hangs (a database that is silent) ends.
"""

import asyncio
from typing import Final

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra import logs

log = logs.get(__name__)

LARGEST: Final = 2_000_000
"""Bytes; a policy, the largest document that is taken, has at most 500,000 characters."""

ARRIVES_WITHIN: Final = 30.0
ANSWERED_WITHIN: Final = 20.0
"""Seconds."""

CLOSE: Final = {"Connection": "close"}
"""The rest of a body that was not read would be taken for the next request."""


class Bounded:
    """Answers 413 and 408 for bodies, 503 where the application takes too long to begin its answer."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        largest: int = LARGEST,
        arrives_within: float = ARRIVES_WITHIN,
        answered_within: float = ANSWERED_WITHIN,
    ) -> None:
        self._app = app
        self._largest = largest
        self._arrives_within = arrives_within
        self._answered_within = answered_within
        self._abandoned: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._arrives_within):
                body = await self._body(scope, receive)
        except TimeoutError:
            late = f"The body did not arrive within {self._arrives_within:g} s."
            await JSONResponse({"detail": late}, 408, CLOSE)(scope, receive, send)
            return
        if not isinstance(body, bytes | None):  # the client is gone
            return
        if body is None:
            told = f"The body is too large; at most {self._largest} bytes are read."
            await JSONResponse({"detail": told}, 413, CLOSE)(scope, receive, send)
            return
        await self._answer(scope, receive, send, body)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        given = begun = over = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def note(message: Message) -> None:
            nonlocal begun
            if not over:
                begun = True
                await send(message)

        # Not `asyncio.timeout`: a query to a silent server is cancelled only once the server says so.
        answering = asyncio.ensure_future(self._app(scope, replay, note))
        try:
            await asyncio.wait({answering}, timeout=self._answered_within)
            if answering.done() or begun:
                await answering
                return
        except asyncio.CancelledError:
            answering.cancel()
            raise
        over = True
        self._abandoned.add(answering)
        answering.add_done_callback(self._ended)
        answering.cancel()
        told = "No answer in time; whether it was done is not known. Look, and ask again."
        await JSONResponse({"detail": told}, 503, {"Retry-After": "5"})(scope, receive, send)

    def _ended(self, answering: "asyncio.Future[None]") -> None:
        self._abandoned.discard(answering)
        if not answering.cancelled() and (error := answering.exception()) is not None:
            log.warning("a request that was given up failed", error=type(error).__name__)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | Message | None:
        """The body, None as soon as it is known to be too large, or the message that the client is gone."""
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._largest:
            return None
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._largest:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)
