"""The ways by which notices leave: a signed webhook, and mail."""

import asyncio
import hashlib
import hmac
import json
import smtplib
import ssl
import time
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from schemas.errors import ConfigurationError, TransientError

SIGNATURE: Final = "X-Parley-Signature"
"""`t=UNIX SECONDS,v1=HEX`: HMAC-SHA256 of "SECONDS.BODY" under the shared secret; check it and the time."""

_WITHIN: Final = 10.0

Notice = dict[str, Any]
"""`notice_id`, `kind`, `subject`, `details`, `opened_at`; JSON values only."""


class Channel(Protocol):
    """One way; `name` stands with its deliveries."""

    name: str

    async def send(self, notices: Sequence[Notice]) -> None:
        """Delivers them as one message; raises TransientError, which says why, if that is not sure."""
        ...


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The value of the header `SIGNATURE`."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


class Webhook:
    """POSTs `{"notices": [...]}` as JSON; a 2xx is a delivery. The receiver tells repeats by `notice_id`."""

    name = "webhook"

    def __init__(self, url: str, secret: str, http: httpx.AsyncClient) -> None:
        parts = _split(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError("PARLEY_NOTIFY_WEBHOOK_URL: write http://host or https://host")
        self._url = url
        self._secret = secret
        self._http = http

    async def send(self, notices: Sequence[Notice]) -> None:
        """See `Channel`."""
        body = json.dumps({"notices": list(notices)}).encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._secret, int(time.time()), body),
        }
        try:
            answer = await self._http.post(self._url, content=body, headers=headers, timeout=_WITHIN)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransientError(f"the webhook: {type(error).__name__}") from error
        if not answer.is_success:
            raise TransientError(f"the webhook answered {answer.status_code}")


class Mail:
    """Sends one mail for all; `url` is smtp://, smtp+starttls:// or smtps://[user:password@]host[:port]."""

    name = "mail"

    def __init__(self, url: str, sender: str, recipients: Sequence[str]) -> None:
        parts = _split(url)
        if parts.scheme not in ("smtp", "smtp+starttls", "smtps") or not parts.hostname:
            raise ConfigurationError("PARLEY_SMTP_URL: write smtp://, smtp+starttls:// or smtps://host:port")
        for address in (sender, *recipients):
            if "@" not in address or not address.isprintable():
                raise ConfigurationError(
                    f"{address!r} is no mail address; see PARLEY_NOTIFY_MAIL_FROM and PARLEY_NOTIFY_MAIL_TO"
                )
        self._scheme, self._host = parts.scheme, parts.hostname
        self._port = parts.port or {"smtp": 25, "smtp+starttls": 587, "smtps": 465}[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._recipients = list(recipients)
        self._sending: asyncio.Future[None] | None = None

    async def send(self, notices: Sequence[Notice]) -> None:
        """See `Channel`."""
        message = EmailMessage()
        message["From"], message["To"] = self._sender, ", ".join(self._recipients)
        first = _line(notices[0])
        message["Subject"] = f"Parley: {first}" if len(notices) == 1 else f"Parley: {len(notices)} notices"
        message.set_content("\n\n".join(_paragraph(notice) for notice in notices) + "\n")
        # A thread cannot be ended: a server that drips its words may hold one, but no second one.
        if self._sending is not None and not self._sending.done():
            raise TransientError("the mail server has not ended the last delivery")
        self._sending = asyncio.ensure_future(asyncio.to_thread(self._deliver, message))
        self._sending.add_done_callback(_noticed)
        try:
            await asyncio.shield(self._sending)
        except (OSError, smtplib.SMTPException) as error:
            # A server's words may hold addresses; its code and the kind of fault are enough.
            code = getattr(error, "smtp_code", "")
            raise TransientError(f"the mail server: {type(error).__name__} {code}".strip()) from error

    def _deliver(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(self._host, self._port, timeout=_WITHIN, context=context)
            if self._scheme == "smtps"
            else smtplib.SMTP(self._host, self._port, timeout=_WITHIN)
        ) as server:
            if self._scheme == "smtp+starttls":
                server.starttls(context=context)
            if self._user:
                server.login(self._user, self._password)
            server.send_message(message)


def _split(url: str) -> SplitResult:
    """The parts of an address; without a host where it, or its port, cannot be read."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else SplitResult("", "", "", "", "")
    except ValueError:
        return SplitResult("", "", "", "", "")


def _noticed(sending: "asyncio.Future[None]") -> None:
    """Spares the log a complaint about a delivery that nobody waited for any more."""
    if not sending.cancelled():
        sending.exception()


def _line(notice: Notice) -> str:
    return " ".join(f"{notice['kind'].replace('_', ' ')}: {notice['subject']}".split())


def _paragraph(notice: Notice) -> str:
    details = [f"  {name}: {value}" for name, value in notice["details"].items() if value not in (None, "")]
    return "\n".join([f"{_line(notice)} ({notice['opened_at']})", *details])
