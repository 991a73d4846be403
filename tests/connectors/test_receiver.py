"""The webhook endpoint: when it answers, with what, and what reaches Kafka."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from connectors.accounts import Account, KnownAccounts
from connectors.dead_changes import MAX_VALUE, dead_change, unsealed
from connectors.facebook.webhook import FacebookWebhook
from connectors.meta.signing import HEADER, signature
from connectors.receiver import Receiver, receiver_app
from connectors.simulation.serving import serving
from connectors.webhook import Change, Ignored
from infra.kafka import Message
from schemas.codec import load
from schemas.errors import TransientError
from schemas.events import CommentEvent, CommentKind, DeadLetter, Platform
from schemas.headers import EVENT_ID
from tests.connectors.conftest import APP_SECRET, PAGE
from tests.connectors.facebook.payloads import change, delivery

PATH = "/webhooks/facebook"
LIMIT = 600_000


class GatedPublisher:
    """Stands for Kafka: acknowledges when the gate is open, or refuses."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.refuses = False
        self.acknowledged: list[Message] = []

    async def publish(self, messages: list[Message]) -> None:
        self.asked.set()
        await self.gate.wait()
        if self.refuses:
            raise TransientError("Kafka did not acknowledge")
        self.acknowledged += messages

    def of(self, topic: str) -> list[Message]:
        return [message for message in self.acknowledged if message.topic == topic]

    @property
    def comments(self) -> list[CommentEvent]:
        return [load().decode(message.value, CommentEvent) for message in self.of("comments.raw")]

    @property
    def dead(self) -> list[DeadLetter]:
        return [load().decode(message.value, DeadLetter) for message in self.of("dead.letters")]


@pytest.fixture
def kafka() -> GatedPublisher:
    return GatedPublisher()


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()


@pytest.fixture
def app(kafka: GatedPublisher, counted: Counter[str], account: Account) -> FastAPI:
    def count(platform: Platform, what: str, number: int) -> None:
        counted[f"{platform} {what}"] += number

    webhook = FacebookWebhook(app_secret=APP_SECRET, verify_token="word")
    return receiver_app(
        Receiver(
            webhooks={Platform.FACEBOOK: webhook},
            accounts=KnownAccounts([account]),
            publisher=kafka,
            codec=load(),
            body_limit=LIMIT,
            body_timeout=0.5,
            count=count,
        )
    )


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://parley") as client:
        yield client


async def post(http: httpx.AsyncClient, payload: Any, headers: Mapping[str, str] | None = None) -> int:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = {HEADER: signature(APP_SECRET, body)} if headers is None else headers
    return (await http.post(PATH, content=body, headers=signed)).status_code


async def test_it_answers_only_after_kafka_has_acknowledged(
    http: httpx.AsyncClient, kafka: GatedPublisher
) -> None:
    kafka.gate.clear()
    answer = asyncio.create_task(post(http, delivery(change())))
    await kafka.asked.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert not answer.done()
    kafka.gate.set()
    assert await answer == 200
    assert len(kafka.comments) == 1


async def test_it_answers_503_if_kafka_does_not_acknowledge(
    http: httpx.AsyncClient, kafka: GatedPublisher, counted: Counter[str]
) -> None:
    kafka.refuses = True
    assert await post(http, delivery(change())) == 503
    assert kafka.acknowledged == []
    kafka.refuses = False
    assert await post(http, delivery(change())) == 200
    assert counted["facebook delivery:not_acknowledged"] == 1
    assert counted["facebook delivery:accepted"] == 1


async def test_a_record_is_keyed_by_the_comment_and_names_what_happened(
    http: httpx.AsyncClient, kafka: GatedPublisher
) -> None:
    for _ in range(2):
        assert await post(http, delivery(change())) == 200
    first, second = kafka.acknowledged
    assert (first.topic, first.key) == ("comments.raw", kafka.comments[0].comment_id)
    assert first.headers[EVENT_ID] == second.headers[EVENT_ID]
    assert kafka.comments[0].kind is CommentKind.ADDED


@pytest.mark.parametrize("headers", [{}, {HEADER: "sha256=00"}, {HEADER: signature("other", b"{}")}])
async def test_what_is_not_signed_is_403_and_never_parsed(
    http: httpx.AsyncClient, kafka: GatedPublisher, counted: Counter[str], headers: dict[str, str]
) -> None:
    assert await post(http, b"{}", headers) == 403
    assert await post(http, b"not json", headers) == 403
    assert kafka.acknowledged == []
    assert counted["facebook delivery:unsigned"] == 2


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000])
async def test_what_is_no_json_is_400(http: httpx.AsyncClient, kafka: GatedPublisher, body: bytes) -> None:
    assert await post(http, body) == 400
    assert kafka.acknowledged == []


async def test_a_body_that_is_announced_too_large_is_413(http: httpx.AsyncClient) -> None:
    assert await post(http, b"x" * (LIMIT + 1)) == 413


async def test_a_body_that_grows_too_large_is_413_while_it_is_read(
    app: FastAPI, kafka: GatedPublisher, counted: Counter[str]
) -> None:
    async def growing() -> AsyncIterator[bytes]:
        for _ in range(2 * LIMIT // 10_000):
            yield b"x" * 10_000

    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
        # The connection may be closed under the writer before it reads the answer, which is as good.
        with contextlib.suppress(httpx.WriteError, httpx.ReadError):
            assert (await client.post(PATH, content=growing())).status_code == 413
    assert counted == {"facebook delivery:too_large": 1}
    assert kafka.acknowledged == []


@pytest.mark.parametrize("payload", [[], 7, {"object": "user"}, {"object": "page", "entry": []}])
async def test_what_is_not_for_us_is_accepted_without_asking_kafka(
    http: httpx.AsyncClient, kafka: GatedPublisher, payload: Any
) -> None:
    kafka.refuses = True
    assert await post(http, payload) == 200


async def test_an_unknown_account_is_ignored_and_counted(
    http: httpx.AsyncClient, kafka: GatedPublisher, counted: Counter[str]
) -> None:
    payload = delivery(change())
    payload["entry"][0]["id"] = "999"
    assert await post(http, payload) == 200
    assert kafka.acknowledged == []
    assert counted["facebook ignored:unknown_account"] == 1


async def test_one_bad_change_is_a_dead_letter_and_the_rest_pass(
    http: httpx.AsyncClient, kafka: GatedPublisher, counted: Counter[str]
) -> None:
    values = [change(comment_id=f"11_{number}") for number in range(20)]
    values[7] = change(comment_id=None, message="who am I")
    values[9] = change(message={"a": "\ud800"})
    for _ in range(2):
        assert await post(http, delivery(*values)) == 200
    assert len(kafka.comments) == 36
    letters = kafka.dead
    assert [(letter.stage, letter.topic, letter.reason) for letter in letters[:2]] == [
        ("webhook", "webhook:facebook", "comment_id"),
        ("webhook", "webhook:facebook", "message"),
    ]
    assert [letter.dead_letter_id for letter in letters[:2]] == [
        letter.dead_letter_id for letter in letters[2:]
    ]
    assert json.loads(letters[0].value or b"") == values[7]
    assert {message.key for message in kafka.of("dead.letters")} == {PAGE}
    assert counted["facebook dead_letter:comment_id"] == 2


class BrokenMapping(FacebookWebhook):
    """Has a fault of ours in it."""

    def map(self, change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
        if change.value["message"] == "break":
            raise RuntimeError("mapping is broken")
        return super().map(change, account, observed_at)


async def test_a_fault_of_ours_in_one_change_is_a_dead_letter_with_its_stack(
    kafka: GatedPublisher, account: Account
) -> None:
    webhook = BrokenMapping(app_secret=APP_SECRET, verify_token=None)
    receiver = Receiver(
        webhooks={Platform.FACEBOOK: webhook},
        accounts=KnownAccounts([account]),
        publisher=kafka,
        codec=load(),
        body_limit=LIMIT,
    )
    transport = httpx.ASGITransport(receiver_app(receiver))
    async with httpx.AsyncClient(transport=transport, base_url="http://parley") as http:
        assert await post(http, delivery(change(message="break"), change())) == 200
    [letter] = kafka.dead
    assert (letter.reason, letter.error) == ("unexpected_error", "RuntimeError")
    assert "mapping is broken" in letter.stack
    assert len(kafka.comments) == 1


def test_a_change_of_megabytes_is_cut_to_what_a_record_holds() -> None:
    letter = dead_change(Platform.FACEBOOK, ValueError("x"), {"a": "y" * 3_000_000}, PAGE, unsealed)
    assert letter.value is not None
    assert len(letter.value) == MAX_VALUE
    assert "cut" in letter.message


@pytest.mark.parametrize("text", ["x" * 100_000, "", "\x00\x01\x1b[31m\u202e", "ꙮ𐎠𒀀", "\ud83d\ude00"])
async def test_odd_texts_are_comments_like_others(
    http: httpx.AsyncClient, kafka: GatedPublisher, text: str
) -> None:
    assert await post(http, delivery(change(message=text))) == 200
    [event] = kafka.comments
    assert event.text is not None
    assert len(event.text) in (len(text), 1)


async def test_a_delivery_of_a_thousand_changes_takes_less_than_a_second(
    http: httpx.AsyncClient, kafka: GatedPublisher
) -> None:
    values = [change(comment_id=f"11_{number}", message="caf\u00e9 " * 5) for number in range(1000)]
    body = json.dumps(delivery(*values)).encode()
    started = time.process_time()
    assert await post(http, body) == 200
    assert time.process_time() - started < 1
    assert len(kafka.comments) == 1000


async def test_an_unknown_platform_is_404(http: httpx.AsyncClient) -> None:
    for name in ("myspace", "instagram", ""):
        assert (await http.post(f"/webhooks/{name}", content=b"{}")).status_code == 404
        assert (await http.get(f"/webhooks/{name}")).status_code == 404


async def test_the_handshake_answers_over_http(http: httpx.AsyncClient) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "word"}
    answer = await http.get(PATH, params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert (await http.get(PATH, params={**query, "hub.verify_token": "x"})).status_code == 403


async def test_a_body_that_trickles_in_is_408_and_nothing_of_it_is_kept(
    app: FastAPI, kafka: GatedPublisher, counted: Counter[str]
) -> None:
    async with serving(app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(f"POST {PATH} HTTP/1.1\r\nHost: parley\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
    assert counted == {"facebook delivery:too_slow": 1}
    assert kafka.acknowledged == []
