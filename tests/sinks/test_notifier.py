"""Notices: what opens and closes them, deadlines, and delivery by a real mail server and over real HTTP."""

import asyncio
import hashlib
import hmac
import json
import socket
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from fastapi import FastAPI, Request, Response

from connectors.simulation.serving import serving
from infra.postgres import Pool
from schemas.errors import ConfigurationError, TransientError
from sinks.channels import SIGNATURE, Mail, Notice, Webhook
from sinks.deadlines import Deadlines
from sinks.notifier import Notifier

pytestmark = pytest.mark.integration

TENANT = "default"
LIMITS = Deadlines(moderator=timedelta(hours=4), supervisor=timedelta(hours=1))


class Told:
    """A channel that remembers, and fails when told."""

    name = "told"

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.fails = False

    async def send(self, notices: Sequence[Notice]) -> None:
        if self.fails:
            raise TransientError("no way")
        self.notices += notices

    @property
    def kinds(self) -> list[str]:
        return [notice["kind"] for notice in self.notices]


async def item(pool: Pool, *, level: str = "moderator", age: timedelta = timedelta(0)) -> str:
    comment = str(uuid.uuid4())
    await pool.execute(
        "insert into comments (comment_id, tenant_id, platform, account_id, platform_comment_id, "
        "received_at, text) values ($1, 'default', 'facebook', '1', 'c', now(), 'a secret between us')",
        comment,
    )
    await pool.execute(
        "insert into review_items (revision_id, comment_id, tenant_id, level, reason, priority, created_at) "
        "values ($1, $1, 'default', $2, 'why', 1, now() - $3::interval)",
        comment,
        level,
        age,
    )
    return comment


async def account(pool: Pool, status: str) -> None:
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name, status, status_reason) "
        "values ('default', 'facebook', '1', 'Acme', $1, 'because') "
        "on conflict (tenant_id, platform, account_id) do update set status = $1",
        status,
    )


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def notifier(pool: Pool, told: Told) -> Notifier:
    return Notifier(pool, TENANT, LIMITS, [told])


async def test_an_escalation_is_told_once_without_what_people_wrote(
    pool: Pool, notifier: Notifier, told: Told
) -> None:
    comment = await item(pool, level="supervisor")
    for _ in range(3):
        await notifier.step()
    assert [(each["kind"], each["subject"]) for each in told.notices] == [("escalated", f"comment:{comment}")]
    assert told.notices[0]["details"]["reason"] == "why"
    assert "secret" not in json.dumps(told.notices)


async def test_a_moderators_deadline_hands_the_item_to_a_supervisor_and_his_is_told(
    pool: Pool, notifier: Notifier, told: Told
) -> None:
    late = await item(pool, age=timedelta(hours=5))
    await item(pool, age=timedelta(hours=3))
    await notifier.step()
    rows = await pool.fetch("select comment_id::text, level from review_items")
    assert {row["comment_id"]: row["level"] for row in rows}[late] == "supervisor"
    assert sorted(row["level"] for row in rows) == ["moderator", "supervisor"]
    assert told.kinds == ["escalated"]
    await pool.execute(
        "update review_items set due_at = now() - interval '1 second' where level = 'supervisor'"
    )
    await notifier.step()
    assert told.kinds == ["escalated", "deadline_passed"]
    assert await pool.fetchval("select count(*) from audit_log where action = 'review.deadline_passed'") == 1


async def test_a_stopped_account_is_told_each_time_it_stops(
    pool: Pool, notifier: Notifier, told: Told
) -> None:
    for status in ("needs_auth", "active", "active", "blocked", "active", "needs_auth"):
        await account(pool, status)
        await notifier.step()
    assert told.kinds == ["account_needs_auth", "account_blocked", "account_needs_auth"]
    assert await pool.fetchval("select count(*) from notices where closed_at is null") == 1


async def test_what_cannot_be_delivered_is_tried_again_later_and_holds_nothing_up(
    pool: Pool, told: Told
) -> None:
    other = Told()
    other.name = "other"
    notifier = Notifier(pool, TENANT, LIMITS, [told, other])
    told.fails = True
    await account(pool, "blocked")
    await notifier.step()
    await notifier.step()
    row = await pool.fetchrow(
        "select attempts, error, delivered_at from notice_deliveries where channel = 'told'"
    )
    assert row is not None
    assert (row["attempts"], row["error"], row["delivered_at"]) == (1, "no way", None)
    assert other.kinds == ["account_blocked"]
    told.fails = False
    await pool.execute("update notice_deliveries set next_at = now() where channel = 'told'")
    await notifier.step()
    await notifier.step()
    assert told.kinds == ["account_blocked"]
    assert other.kinds == ["account_blocked"]


async def test_another_tenants_matters_are_not_told(pool: Pool, told: Told) -> None:
    await account(pool, "blocked")
    await Notifier(pool, "another", LIMITS, [told]).step()
    assert told.notices == []


async def test_a_channel_that_hangs_or_breaks_holds_up_neither_deadlines_nor_the_other_channels(
    pool: Pool, told: Told
) -> None:
    class Hanging(Told):
        name = "hanging"

        async def send(self, notices: Sequence[Notice]) -> None:
            await asyncio.Event().wait()

    class Broken(Told):
        name = "broken"

        async def send(self, notices: Sequence[Notice]) -> None:
            raise ValueError("user:password@mail.example.com")

    notifier = Notifier(pool, TENANT, LIMITS, [Hanging(), Broken(), told], within=0.1)
    await account(pool, "blocked")
    late = await item(pool, age=timedelta(hours=5))
    await notifier.step()
    assert sorted(told.kinds) == ["account_blocked", "escalated"]
    assert await pool.fetchval("select level from review_items where comment_id = $1", late) == "supervisor"
    rows = await pool.fetch("select distinct channel, error from notice_deliveries where error is not null")
    assert {row["channel"]: row["error"] for row in rows} == {
        "hanging": "failed: TimeoutError",
        "broken": "failed: ValueError",
    }


async def test_two_notifiers_and_thousands_of_escalations_tell_each_once_in_few_messages(
    pool: Pool,
) -> None:
    class Counting(Told):
        messages = 0

        async def send(self, notices: Sequence[Notice]) -> None:
            Counting.messages += 1
            self.notices += notices

    await pool.execute(
        "insert into comments "
        "(comment_id, tenant_id, platform, account_id, platform_comment_id, received_at) "
        "select gen_random_uuid(), 'default', 'facebook', '1', n::text, now() from generate_series(1, 3000) n"
    )
    await pool.execute(
        "insert into review_items (revision_id, comment_id, tenant_id, level, reason, priority, created_at) "
        "select comment_id, comment_id, 'default', 'supervisor', 'why', 1, now() from comments"
    )
    channels = Counting(), Counting()
    notifiers = [Notifier(pool, TENANT, LIMITS, [channel]) for channel in channels]
    for _ in range(8):
        await asyncio.gather(*(notifier.step() for notifier in notifiers))
    told = [notice["subject"] for channel in channels for notice in channel.notices]
    assert (len(told), len(set(told))) == (3000, 3000)
    assert Counting.messages <= 8
    await pool.execute("update review_items set is_open = false")
    await notifiers[0].step()
    assert await pool.fetchval("select count(*) from notices where closed_at is null") == 0


@pytest.mark.parametrize(
    "url", ["smtp://", "smtp://h:port", "smtp://h:99999", "smtp://[h", "http://h", "mail.example.com", ""]
)
def test_a_wrong_mail_server_is_told_when_it_is_set(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PARLEY_SMTP_URL"):
        Mail(url, "p@example.com", ["a@example.com"])


@pytest.mark.parametrize("address", ["team", "a@example.com\r\nBcc: b@example.com", "@\0"])
def test_a_wrong_address_is_told_when_it_is_set(address: str) -> None:
    for sender, recipient in ((address, "a@example.com"), ("a@example.com", address)):
        with pytest.raises(ConfigurationError, match="PARLEY_NOTIFY_MAIL_TO"):
            Mail("smtp://h", sender, [recipient])


@pytest.mark.parametrize("url", ["http://", "ftp://h", "http://h:port", "http://[h", "h", ""])
async def test_a_wrong_webhook_is_told_when_it_is_set(url: str) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(ConfigurationError, match="PARLEY_NOTIFY_WEBHOOK_URL"):
            Webhook(url, "s", http)


async def test_a_mail_server_that_never_speaks_holds_one_thread_and_no_second() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    try:
        mail = Mail(f"smtp://127.0.0.1:{silent.getsockname()[1]}", "p@example.com", ["a@example.com"])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await mail.send([NOTICE])
        with pytest.raises(TransientError, match="has not ended the last"):
            await mail.send([NOTICE])
        connection, _ = silent.accept()
        connection.close()
        assert mail._sending is not None
        await asyncio.wait({mail._sending})
        silent.close()
        with pytest.raises(TransientError, match="the mail server: "):
            await mail.send([NOTICE])
    finally:
        silent.close()


class Letterbox:
    """What a real mail server was given."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        self.mails.append(envelope)
        return "250 taken"


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def smtp(letterbox: Letterbox) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(letterbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


NOTICE: Notice = {
    "notice_id": 7,
    "kind": "account_blocked",
    "subject": "account:facebook:1\nBcc: everybody@example.com",
    "details": {"name": "Café Ñandú", "reason": "368", "due_at": None},
    "opened_at": "2026-11-22T12:00:00+00:00",
}


async def test_mail_reaches_a_real_server_and_no_name_adds_a_header(smtp: str, letterbox: Letterbox) -> None:
    await Mail(smtp, "parley@example.com", ["a@example.com", "b@example.com"]).send([NOTICE])
    (mail,) = letterbox.mails
    assert mail.rcpt_tos == ["a@example.com", "b@example.com"]
    message = message_from_bytes(mail.content, policy=default)
    assert message["Subject"].strip().startswith("Parley: account blocked: account:facebook:1")
    assert message["Bcc"] is None
    assert "reason: 368" in message.get_content()
    assert "Café Ñandú" in message.get_content()


async def test_a_mail_server_that_is_away_is_a_transient_error() -> None:
    with pytest.raises(TransientError, match="the mail server"):
        await Mail("smtp://127.0.0.1:9", "p@example.com", ["a@example.com"]).send([NOTICE])
    with pytest.raises(ConfigurationError, match="PARLEY_SMTP_URL"):
        Mail("http://x", "p@example.com", [])


@pytest.fixture
async def hook() -> AsyncIterator[tuple[str, list[tuple[str, bytes]], list[int]]]:
    got: list[tuple[str, bytes]] = []
    answers: list[int] = []
    app = FastAPI()

    @app.post("/hook")
    async def take(request: Request) -> Response:
        got.append((request.headers[SIGNATURE], await request.body()))
        return Response(status_code=answers.pop(0) if answers else 204)

    async with serving(app) as url:
        yield f"{url}/hook", got, answers


async def test_a_webhook_is_signed_over_its_bytes_and_only_2xx_counts(
    hook: tuple[str, list[tuple[str, bytes]], list[int]],
) -> None:
    url, got, answers = hook
    answers.append(500)
    async with httpx.AsyncClient(trust_env=False) as http:
        channel = Webhook(url, "shared", http)
        with pytest.raises(TransientError, match="answered 500"):
            await channel.send([NOTICE])
        await channel.send([NOTICE])
    header, body = got[1]
    told = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(b"shared", f"{told['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(told["v1"], expected)
    assert json.loads(body) == {"notices": [NOTICE]}
