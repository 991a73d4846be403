"""Where a simulator delivers to: an inbox that a test looks into, or Parley's receiver before a publisher."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response

from connectors.accounts import Account, KnownAccounts
from connectors.catalogue import webhooks
from connectors.receiver import Receiver, receiver_app
from connectors.simulation import Reset, Simulation
from connectors.simulation.serving import serving
from connectors.webhook import Ignored, Webhook
from infra.kafka import Message
from infra.settings import Settings
from schemas.codec import load
from schemas.errors import TransientError
from schemas.events import CommentEvent, CommentKind
from tests.connectors.contract import mapped


class Inbox:
    """Takes deliveries as Parley would, or refuses; keeps what it accepted, and what was rightly signed."""

    def __init__(self, webhook: Webhook, account: Account) -> None:
        self.webhook = webhook
        self.account = account
        self.refuse_with: list[int] = []
        self.resets = 0
        self.bodies: list[bytes] = []
        self.signed: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.app = FastAPI()
        self.app.add_route("/", self.take, ["POST"])
        self.app.add_route("/", self.challenged, ["GET"])

    async def take(self, request: Request) -> Response:
        body = await request.body()
        await self.open.wait()
        if self.resets:
            self.resets -= 1
            return Reset()
        if not self.webhook.verify(request.headers, body):
            return Response(status_code=403)
        self.signed.append(body)
        if self.refuse_with:
            return Response(status_code=self.refuse_with.pop(0))
        self.bodies.append(body)
        return Response()

    async def challenged(self, request: Request) -> Response:
        answer = self.webhook.handshake(request.query_params)
        return Response(answer.body, answer.status, media_type=answer.media_type)

    @property
    def payloads(self) -> list[Any]:
        """The accepted deliveries, parsed, in the order of arrival."""
        return [json.loads(body) for body in self.bodies]

    @property
    def found(self) -> list[CommentEvent | Ignored | str]:
        """What they become."""
        return [each for payload in self.payloads for each in mapped(self.webhook, self.account, payload)]

    @property
    def events(self) -> list[CommentEvent]:
        """The comment events among that."""
        return [each for each in self.found if isinstance(each, CommentEvent)]


class Kafka:
    """Keeps what is published; of every `unacknowledged` deliveries one is kept and not acknowledged."""

    def __init__(self, *, unacknowledged: int | None = None) -> None:
        self._unacknowledged = unacknowledged
        self._calls = 0
        self.records: list[CommentEvent] = []

    async def publish(self, messages: list[Message]) -> None:
        self._calls += 1
        self.records += [load().decode(message.value, CommentEvent) for message in messages]
        if self._unacknowledged is not None and self._calls % self._unacknowledged == 0:
            raise TransientError("not acknowledged")

    def of(self, kind: CommentKind) -> Counter[str]:
        """Ids of comments, by how many records of this kind name them."""
        return Counter(event.platform_comment_id for event in self.records if event.kind is kind)


@contextlib.asynccontextmanager
async def received(
    simulator: Simulation, settings: Settings, account: Account, kafka: Kafka
) -> AsyncIterator[Kafka]:
    """Parley's receiver takes the simulator's deliveries until the block ends, and publishes to `kafka`."""
    receiver = Receiver(
        webhooks=webhooks(settings),
        accounts=KnownAccounts([account]),
        publisher=kafka,
        codec=load(),
        body_limit=settings.webhook_body_limit,
    )
    async with serving(receiver_app(receiver)) as url:
        simulator.deliveries.callback_url = f"{url}/webhooks/{simulator.platform}"
        yield kafka
