"""The webhook endpoint of all platforms: `/webhooks/{platform}`.

A delivery is answered 200 only after Kafka has acknowledged every record made of it; whatever else is
answered, the platform delivers it again. A delivery is taken as a whole: all its records are made before the
first is sent. What arrives twice is published twice, with the same event id.

    GET    the platform's handshake
    POST   200 taken (or nothing of it is for us)   400 not JSON   403 not signed by the platform
           404 no such platform   408 slower than `body_timeout`   413 larger than `body_limit`
           503 Kafka did not acknowledge
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final, Protocol

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from connectors.accounts import AccountLookup
from connectors.dead_changes import Seal, dead_change, unsealed
from connectors.webhook import Change, Ignored, MalformedChange, Webhook, event_id
from infra import logs
from infra.kafka import Message, message
from schemas.codec import Codec
from schemas.errors import TransientError
from schemas.events import Platform, utc_now
from schemas.headers import EVENT_ID
from schemas.topics import COMMENTS_RAW, DEAD_LETTERS

_log = logs.get("parley.webhooks")

Count = Callable[[Platform, str, int], None]
"""Counts what became of deliveries and changes: (platform, a short name without ids, how many)."""

Span = Callable[[str], AbstractContextManager[Mapping[str, bytes]]]
"""Opens a trace span of that name; gives the headers that carry it on (`infra.tracing.Tracing.span`)."""


class Publishes(Protocol):
    """What the receiver needs of `infra.kafka.Publisher`."""

    async def publish(self, messages: list[Message]) -> None:
        """Returns once every record is acknowledged; raises TransientError if any is not."""
        ...


def _no_span(_name: str) -> AbstractContextManager[Mapping[str, bytes]]:
    return contextlib.nullcontext({})


def _no_count(_platform: Platform, _what: str, _number: int) -> None:
    return None


class Receiver:
    """Takes deliveries. `count` is told everything under one of these names

    `delivery:accepted|unsigned|malformed|too_large|too_slow|not_acknowledged|broken_off`, `comment:<kind>`,
    `ignored:<reason>`, `dead_letter:<reason>`.
    """

    def __init__(
        self,
        *,
        webhooks: Mapping[Platform, Webhook],
        accounts: AccountLookup,
        publisher: Publishes,
        codec: Codec,
        body_limit: int,
        body_timeout: float = 30.0,
        count: Count = _no_count,
        seal: Seal = unsealed,
        span: Span = _no_span,
    ) -> None:
        """`body_limit` in bytes, `body_timeout` in seconds; `seal` encrypts what goes to the dead letters."""
        self._webhooks = webhooks
        self._accounts = accounts
        self._publisher = publisher
        self._codec = codec
        self._body_limit = body_limit
        self._body_timeout = body_timeout
        self._count = count
        self._seal = seal
        self._span = span

    def router(self) -> APIRouter:
        """Routes to include in an application."""
        router = APIRouter()
        # Plain routes: nothing of a delivery is validated by FastAPI, so its machinery would only cost time.
        router.add_route("/webhooks/{platform}", self.handshake, methods=["GET"])
        router.add_route("/webhooks/{platform}", self.deliver, methods=["POST"])
        return router

    async def handshake(self, request: Request) -> Response:
        """Answers a platform that tests the address."""
        webhook = self._webhook(request)
        if webhook is None:
            return Response(status_code=404)
        answer = webhook.handshake(request.query_params)
        return Response(answer.body, answer.status, media_type=answer.media_type)

    async def deliver(self, request: Request) -> Response:
        """Takes one delivery."""
        webhook = self._webhook(request)
        if webhook is None:
            return Response(status_code=404)
        try:
            async with asyncio.timeout(self._body_timeout):
                body = await self._body(request)
        except TimeoutError:
            return self._refused(webhook, 408, "too_slow")
        except ClientDisconnect:
            self._count(webhook.platform, "delivery:broken_off", 1)
            return Response(status_code=400)
        if body is None:
            return self._refused(webhook, 413, "too_large")
        if not webhook.verify(request.headers, body):
            return self._refused(webhook, 403, "unsigned")
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            return self._refused(webhook, 400, "malformed")
        with self._span(f"webhook {webhook.platform}") as headers:
            messages = self.messages(webhook, payload, headers)
            try:
                if messages:
                    await self._publisher.publish(messages)
            except TransientError as error:
                _log.warning("delivery not acknowledged", platform=webhook.platform, error=str(error))
                return self._refused(webhook, 503, "not_acknowledged")
        self._count(webhook.platform, "delivery:accepted", 1)
        return Response(status_code=200)

    def messages(self, webhook: Webhook, payload: object, headers: Mapping[str, bytes]) -> list[Message]:
        """All records of a delivery; never raises for what is in it. `headers` are added to each."""
        found: list[Message] = []
        for change in webhook.split(payload):
            if isinstance(change, Change):
                self._add(found, webhook, change, headers)
            elif isinstance(change, Ignored):
                self._count(webhook.platform, f"ignored:{change.reason}", 1)
            else:
                self._bury(found, webhook, change, change.raw, None)
        return found

    def _add(
        self, found: list[Message], webhook: Webhook, change: Change, headers: Mapping[str, bytes]
    ) -> None:
        account = self._accounts.find(webhook.platform, change.account_id)
        if account is None:
            self._count(webhook.platform, "ignored:unknown_account", 1)
            return
        try:
            event = webhook.map(change, account, utc_now())
            if isinstance(event, Ignored):
                self._count(webhook.platform, f"ignored:{event.reason}", 1)
                return
            event_headers = {EVENT_ID: event_id(event).encode(), **headers}
            found.append(message(self._codec, COMMENTS_RAW, event.comment_id, event, event_headers))
        except Exception as error:  # noqa: BLE001 - one change must not hold up the rest of its delivery
            self._bury(found, webhook, error, change.value, change.account_id)
            return
        self._count(webhook.platform, f"comment:{event.kind}", 1)

    def _bury(
        self, found: list[Message], webhook: Webhook, error: Exception, raw: object, account_id: str | None
    ) -> None:
        letter = dead_change(webhook.platform, error, raw, account_id, self._seal)
        found.append(message(self._codec, DEAD_LETTERS, account_id or webhook.platform, letter))
        self._count(webhook.platform, f"dead_letter:{letter.reason}", 1)
        if not isinstance(error, MalformedChange):
            _log.error("a change could not be mapped", platform=webhook.platform, exc_info=error)

    def _webhook(self, request: Request) -> Webhook | None:
        name = request.path_params["platform"]
        return self._webhooks.get(Platform(name)) if name in _PLATFORMS else None

    async def _body(self, request: Request) -> bytes | None:
        """The body as received; None as soon as it is known to be too large."""
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and float(announced) > self._body_limit:
            return None
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self._body_limit:
                return None
            parts.append(part)
        return b"".join(parts)

    def _refused(self, webhook: Webhook, status: int, why: str) -> Response:
        self._count(webhook.platform, f"delivery:{why}", 1)
        _log.info("delivery refused", platform=webhook.platform, status=status, why=why)
        # The rest of a body that was not read would be taken for the next request.
        headers = {"Connection": "close"} if status in (408, 413) else None
        return Response(status_code=status, headers=headers)


_PLATFORMS: Final = frozenset(Platform)


def receiver_app(receiver: Receiver) -> FastAPI:
    """An application with the webhook endpoint alone."""
    app = FastAPI(title="Parley webhooks", openapi_url=None)
    app.include_router(receiver.router())
    return app
