"""The webhook endpoint under attack, with the deliveries of every platform."""

import asyncio
import copy
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from connectors.accounts import Account, KnownAccounts
from connectors.catalogue import webhooks
from connectors.linkedin import signing as linkedin_signing
from connectors.meta import signing as meta_signing
from connectors.receiver import Receiver, receiver_app
from connectors.x import signing as x_signing
from infra.kafka import Message
from infra.settings import Settings
from schemas.codec import load
from schemas.errors import TransientError
from schemas.events import CommentEvent, Platform
from schemas.headers import EVENT_ID
from tests.connectors.conftest import PAGE
from tests.connectors.facebook import payloads as facebook
from tests.connectors.instagram import payloads as instagram
from tests.connectors.linkedin import payloads as linkedin
from tests.connectors.x import payloads as x

SECRET = "secret"
LIMIT = 4_000_000
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**400, math.inf, math.nan, "", " ", "\ud800", "\x00", "a" * 5000, [], {},
    [[]], [None], {"a": None}, "\U0001f468\u200d\U0001f469", "\u202eevil", "9" * 400, "-5", "1e400",
    "9999-99-99T99:99:99Z", "0001-01-01T00:00:00+14:00", "../..", "urn:li:comment:(,)",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One platform's deliveries: of a comment with this text, of this many changes, and their signature."""

    platform: Platform
    account: str
    of: Callable[[str], Any]
    batch: Callable[[int], Any]
    signed: Callable[[bytes], dict[str, str]]


def meta_signed(body: bytes) -> dict[str, str]:
    return {meta_signing.HEADER: meta_signing.signature(SECRET, body)}


CASES = {
    case.platform: case
    for case in (
        Case(
            Platform.FACEBOOK, PAGE,
            lambda text: facebook.delivery(facebook.change(message=text)),
            lambda n: facebook.delivery(
                *(facebook.change(comment_id=f"{PAGE}_1_{i}", message=f"c {i}") for i in range(n))
            ),
            meta_signed,
        ),
        Case(
            Platform.INSTAGRAM, instagram.ACCOUNT,
            lambda text: instagram.delivery(instagram.value(text=text)),
            lambda n: instagram.delivery(*(instagram.value(id=str(10_000 + i)) for i in range(n))),
            meta_signed,
        ),
        Case(
            Platform.X, x.ME,
            lambda text: x.event(x.post(text=text, display_text_range=None)),
            lambda n: {
                **x.legacy(),
                "tweet_create_events": [
                    {**x.legacy()["tweet_create_events"][0], "id_str": str(1_900_000_000_000_001_000 + i)}
                    for i in range(n)
                ],
            },
            lambda body: {x_signing.HEADER: x_signing.signature(SECRET, body)},
        ),
        Case(
            Platform.LINKEDIN, linkedin.ORGANISATION,
            lambda text: linkedin.delivery(linkedin.notification(text=text)),
            lambda n: linkedin.delivery(
                *(linkedin.notification(number=i + 1, notificationId=i + 1) for i in range(n))
            ),
            lambda body: {linkedin_signing.HEADER: linkedin_signing.signature(SECRET, body)},
        ),
    )
}  # fmt: skip


class Broker:
    """Stands for Kafka; refuses while `refuses`."""

    def __init__(self) -> None:
        self.refuses = False
        self.batches: list[list[Message]] = []

    async def publish(self, messages: list[Message]) -> None:
        if self.refuses:
            raise TransientError("away")
        self.batches.append(messages)

    @property
    def comments(self) -> list[CommentEvent]:
        return [
            load().decode(each.value, CommentEvent)
            for batch in self.batches
            for each in batch
            if each.topic == "comments.raw"
        ]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()


@pytest.fixture
def receiver(broker: Broker, counted: Counter[str]) -> Receiver:
    settings = Settings(
        facebook_app_secret=SECRET, facebook_verify_token="word", instagram_login="instagram",
        instagram_app_secret=SECRET, instagram_verify_token="word", x_consumer_secret=SECRET,
        linkedin_client_secret=SECRET,
    )  # fmt: skip

    def count(platform: Platform, what: str, number: int) -> None:
        counted[f"{platform} {what}"] += number

    return Receiver(
        webhooks=webhooks(settings),
        accounts=KnownAccounts(
            Account(tenant_id="acme", platform=case.platform, account_id=case.account)
            for case in CASES.values()
        ),
        publisher=broker,
        codec=load(),
        body_limit=LIMIT,
        body_timeout=0.5,
        count=count,
    )


@pytest.fixture
async def http(receiver: Receiver) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(receiver_app(receiver), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://parley") as client:
        yield client


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = CASES[request.param]
    return found


async def post(
    http: httpx.AsyncClient, case: Case, payload: Any, headers: dict[str, str] | None = None
) -> int:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = case.signed(body) if headers is None else headers
    answer = await http.post(f"/webhooks/{case.platform}", content=body, headers=signed)
    return answer.status_code


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield from places(child, (*at, key))


def changed(payload: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    payload = copy.deepcopy(payload)
    node = payload
    for key in at[:-1]:
        node = node[key]
    node[at[-1]] = value
    return payload


async def test_whatever_stands_anywhere_in_a_delivery_it_is_taken_and_every_record_can_be_read(
    receiver: Receiver, http: httpx.AsyncClient, broker: Broker, case: Case
) -> None:
    shapes = [case.of("hello"), case.batch(1)]
    tried = 0
    for shape in shapes:
        for at in places(shape):
            for odd in ODD:
                body = json.dumps(changed(shape, at, odd)).encode()
                messages = receiver.messages(
                    receiver._webhooks[case.platform], json.loads(body), {}
                )  # raises where the endpoint would answer 500, and be asked again for ever
                tried += 1
                for each in messages:
                    if each.topic == "comments.raw":
                        event = load().decode(each.value, CommentEvent)
                        assert event.account_id == case.account
                        assert event.platform_comment_id
                        event.text is None or event.text.encode()
    assert tried > 500
    assert await post(http, case, changed(shapes[0], (), [])) == 200


@pytest.mark.parametrize("text", [
    "plain", "na\u00efve", "nai\u0308ve", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u202e\u2066x\u2069", "a\u0000b", "\ufeff bom", "\ufffe", "z\u0335\u0321" * 500, "\\ud83d",
    "\u0645\u0631\u062d\u0628\u0627", "<b>&amp;</b>", "\U0010ffff", "\r\n\t",
])  # fmt: skip
async def test_unicode_in_every_form_arrives_and_is_the_same_whatever_its_escapes(
    http: httpx.AsyncClient, broker: Broker, case: Case, text: str
) -> None:
    payload = case.of(text)
    for body in (json.dumps(payload).encode(), json.dumps(payload, ensure_ascii=False).encode()):
        assert await post(http, case, body) == 200
    first, second = broker.comments
    assert first.text == second.text
    assert first.text
    assert first.revision_id == second.revision_id
    [one], [two] = broker.batches
    assert one.headers[EVENT_ID] == two.headers[EVENT_ID]


async def test_half_a_surrogate_stops_nothing(http: httpx.AsyncClient, broker: Broker, case: Case) -> None:
    assert await post(http, case, case.of("half \ud83d of it")) == 200
    assert sum(map(len, broker.batches)) == 1


async def test_wrong_signatures_are_refused_and_nothing_is_published(
    http: httpx.AsyncClient, broker: Broker, counted: Counter[str], case: Case
) -> None:
    payload = case.of("hello")
    body = json.dumps(payload).encode()
    [(name, right)] = case.signed(body).items()
    again = json.dumps(json.loads(body), indent=1).encode()
    attempts: list[tuple[bytes, dict[str, str]]] = [
        (body, {}), (body, {name: ""}), (body, {name: right[:-1]}), (body, {name: right + "0"}),
        (body, {name: right.swapcase() if right.swapcase() != right else "x"}),
        (body, {name: "sha256="}), (body, {name: "sha1=" + "0" * 40}), (body, {name: right[7:] + "="}),
        (body, {name: "\u00ff" * 40}), (body + b" ", {name: right}), (again, {name: right}),
    ]  # fmt: skip
    for sent, headers in attempts:
        raw = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
        answer = await http.post(f"/webhooks/{case.platform}", content=sent, headers=raw)
        assert answer.status_code == 403, headers
    assert broker.batches == []
    assert counted[f"{case.platform} delivery:unsigned"] == len(attempts)


async def test_a_delivery_of_a_thousand_changes_is_published_at_once_or_not_at_all(
    http: httpx.AsyncClient, broker: Broker, case: Case
) -> None:
    payload = case.batch(1000)
    broker.refuses = True
    assert await post(http, case, payload) == 503
    broker.refuses = False
    assert await post(http, case, payload) == 200
    assert len(broker.batches) == 1
    assert len({event.comment_id for event in broker.comments}) == 1000


async def test_a_replay_gives_the_same_ids(http: httpx.AsyncClient, broker: Broker, case: Case) -> None:
    body = json.dumps(case.batch(5)).encode()
    for _ in range(3):
        assert await post(http, case, body) == 200
    ids = [[each.headers[EVENT_ID] for each in batch] for batch in broker.batches]
    assert ids[0] == ids[1] == ids[2]


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"a": }', b"nul", b"\x00"])
async def test_what_is_no_json_is_400(
    http: httpx.AsyncClient, broker: Broker, case: Case, body: bytes
) -> None:
    assert await post(http, case, body) == 400
    assert broker.batches == []


async def test_numbers_of_a_million_digits_are_400_and_quick(
    http: httpx.AsyncClient, broker: Broker, case: Case
) -> None:
    async with asyncio.timeout(30):
        assert await post(http, case, b'{"n": ' + b"9" * 1_000_000 + b"}") == 400
    assert broker.batches == []


async def test_a_body_too_large_and_a_body_too_slow_leave_nothing(
    http: httpx.AsyncClient, broker: Broker, case: Case
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    path = f"/webhooks/{case.platform}"
    assert (await http.post(path, content=slow())).status_code == 408
    assert (await http.post(path, content=endless())).status_code == 413
    assert (await http.post(path, content=b"", headers={"content-length": "9" * 30})).status_code == 413
    assert broker.batches == []


async def test_an_unknown_account_is_ignored_by_name(
    receiver: Receiver, http: httpx.AsyncClient, broker: Broker, counted: Counter[str], case: Case
) -> None:
    receiver._accounts = KnownAccounts()
    assert await post(http, case, case.of("hello")) == 200
    assert broker.batches == []
    assert counted[f"{case.platform} ignored:unknown_account"] == 1


@pytest.mark.parametrize("moment", [0, -1, 4_102_444_800, 10**18, 1e308, None, "yesterday"])
async def test_clocks_that_are_wrong_lose_no_comment(
    http: httpx.AsyncClient, broker: Broker, moment: Any
) -> None:
    shapes = [
        (CASES[Platform.FACEBOOK], facebook.delivery(facebook.change(), time=moment)),
        (CASES[Platform.INSTAGRAM], instagram.delivery(instagram.value(), time=moment)),
        (CASES[Platform.LINKEDIN], linkedin.delivery(linkedin.notification(lastModifiedAt=moment))),
        (CASES[Platform.X], x.event(x.post(created_at=moment))),
    ]
    for case, payload in shapes:
        assert await post(http, case, payload) == 200
    assert {event.platform for event in broker.comments} == set(CASES)


@pytest.mark.parametrize("query", [
    "", "hub.mode=subscribe", "hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1",
    "hub.mode=subscribe&hub.verify_token=word&hub.challenge=<script>", "crc_token=", "challengeCode=",
    "crc_token=" + quote('{"for_user_id": "1"}'), "challengeCode=" + quote("a b"), "crc_token=" + "a" * 300,
    "hub.verify_token=%ff%fe&hub.mode=subscribe&hub.challenge=1",
])  # fmt: skip
async def test_handshakes_by_others_are_refused(http: httpx.AsyncClient, case: Case, query: str) -> None:
    assert (await http.get(f"/webhooks/{case.platform}?{query}")).status_code == 403


async def test_the_handshakes_of_all_platforms_are_answered_over_http(http: httpx.AsyncClient) -> None:
    hub = "hub.mode=subscribe&hub.verify_token=word&hub.challenge=1158201444"
    for platform in (Platform.FACEBOOK, Platform.INSTAGRAM):
        assert (await http.get(f"/webhooks/{platform}?{hub}")).text == "1158201444"
    crc = (await http.get("/webhooks/x?crc_token=abc")).json()
    assert crc == {"response_token": x_signing.signature(SECRET, b"abc")}
    answer = (await http.get("/webhooks/linkedin?challengeCode=abc")).json()
    assert answer["challengeResponse"] == linkedin_signing.challenge_response(SECRET, "abc")


async def test_no_method_but_get_and_post_is_taken(http: httpx.AsyncClient, case: Case) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        assert (await http.request(method, f"/webhooks/{case.platform}")).status_code == 405
