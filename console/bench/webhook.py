"""`parley bench webhook`: deliveries of ten comments each, signed, answered after Kafka acknowledged.

The receiver runs in a process of its own, as in `parley serve`; the load comes from this one, over loopback.
"""

import asyncio
import json
import multiprocessing
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, Final

from connectors.accounts import Account, KnownAccounts
from connectors.facebook.webhook import FacebookWebhook
from connectors.meta.signing import HEADER, signature
from connectors.receiver import Receiver, receiver_app
from connectors.simulation.sender import Sender
from connectors.simulation.serving import serving
from console.servers import open_servers
from infra import kafka, settings
from infra.kafka import Message
from schemas import codec
from schemas.events import Platform
from schemas.topics import COMMENTS_RAW, Topic

DELIVERIES: Final = 3000
COMMENTS: Final = 10
AT_ONCE: Final = 48
_TOPIC: Final = Topic(
    name="bench.webhook",
    schema=COMMENTS_RAW.schema,
    settings={"retention.ms": "600000", "segment.ms": "60000"},
)
"""What the receiver publishes goes here: no stage reads it."""
_PAGE: Final = "104000000000009"
_SECRET: Final = "bench"  # noqa: S105 - of a page that does not exist


def measure() -> dict[str, float]:
    """Deliveries and comments a second, and the load generator's share of the CPU time in per cent."""
    loaded = settings.load()
    with open_servers(loaded) as servers:
        asyncio.run(kafka.create_topics(servers.kafka, [_TOPIC], partitions=loaded.topic_partitions))
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        receiver = context.Process(target=_receive, args=(servers.kafka, theirs), daemon=True)
        receiver.start()
        try:
            url = ours.recv()
            asyncio.run(_load(url, 100))
            ours.send("begin")
            idle = ours.recv()
            spent, began = time.process_time(), time.monotonic()
            refused = asyncio.run(_load(url, DELIVERIES))
            seconds, generating = time.monotonic() - began, time.process_time() - spent
            ours.send("end")
            receiving = ours.recv() - idle
        finally:
            receiver.join(20)
            receiver.kill()
    return {
        "deliveries a second": DELIVERIES / seconds,
        "comments a second": DELIVERIES * COMMENTS / seconds,
        "refused": float(refused),
        "load generator's share of CPU, per cent": 100 * generating / (generating + receiving),
        "receiver's CPU, cores": receiving / seconds,
    }


async def _load(url: str, deliveries: int) -> int:
    """Sends deliveries, a few at once; gives how many were not accepted."""
    sender, refused, numbers = Sender(20.0), 0, iter(range(deliveries))
    first = time.time_ns() // 1000

    async def send() -> None:
        nonlocal refused
        for number in numbers:
            body = _delivery(first + number * COMMENTS)
            name, value = HEADER, signature(_SECRET, body)
            status = await sender.post(url, body, {"Content-Type": "application/json", name: value})
            refused += status != 200

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    await sender.aclose()
    return refused


def _delivery(first: int) -> bytes:
    now = int(time.time())
    changes: list[dict[str, Any]] = [
        {
            "field": "feed",
            "value": {
                "item": "comment",
                "verb": "add",
                "comment_id": f"11_{number}",
                "post_id": f"{_PAGE}_11",
                "parent_id": f"{_PAGE}_11",
                "from": {"id": str(number), "name": "A Person"},
                "created_time": now,
                "message": f"Where is my parcel {number}? I have been waiting for two weeks caf\u00e9",
            },
        }
        for number in range(first, first + COMMENTS)
    ]
    entry = {"id": _PAGE, "time": now, "changes": changes}
    return json.dumps({"object": "page", "entry": [entry]}, separators=(",", ":")).encode()


class _Elsewhere:
    def __init__(self, publisher: kafka.Publisher) -> None:
        self._publisher = publisher

    async def publish(self, messages: list[Message]) -> None:
        await self._publisher.publish([replace(each, topic=_TOPIC.name) for each in messages])


def _receive(bootstrap: str, pipe: Connection) -> None:
    import uvloop

    uvloop.run(_receiving(bootstrap, pipe))


async def _receiving(bootstrap: str, pipe: Connection) -> None:
    account = Account(tenant_id="bench", platform=Platform.FACEBOOK, account_id=_PAGE)
    async with kafka.open_publisher(bootstrap) as publisher:
        receiver = Receiver(
            webhooks={Platform.FACEBOOK: FacebookWebhook(app_secret=_SECRET, verify_token=None)},
            accounts=KnownAccounts([account]),
            publisher=_Elsewhere(publisher),
            codec=codec.load(),
            body_limit=8_388_608,
        )
        async with serving(receiver_app(receiver)) as url:
            pipe.send(f"{url}/webhooks/facebook")
            for _ in ("begin", "end"):
                await asyncio.to_thread(pipe.recv)
                pipe.send(time.process_time())
