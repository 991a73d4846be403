"""What arrives from a platform, and the contract of a platform's `webhook.py` and `mapping.py`.

InvalidEventError
└── MalformedChange   one change of a webhook delivery cannot be understood
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.accounts import Account
from schemas import identity
from schemas.errors import InvalidEventError
from schemas.events import CommentEvent, CommentKind, Platform


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not a comment for us, and why: a short fixed name such as `item:reaction`, safe as a metric label."""

    reason: str


class MalformedChange(InvalidEventError):
    """A change that claims to be a comment and cannot be understood.

    `reason` is a short fixed name, mostly the field's; `raw` the parsed JSON that goes to the dead letters,
    None where it is the `value` of the change being mapped.
    """

    def __init__(self, reason: str, message: str, raw: object = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.raw = raw


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a delivery, not yet mapped.

    `account_id`: the platform account it was delivered for; `field`: the platform's name of the subscription;
    `value`: its content as parsed JSON; `sent_at`: the platform's own time of it, None where it gives none.
    """

    account_id: str
    field: str
    value: Mapping[str, Any]
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeAnswer:
    """HTTP answer to a subscription handshake."""

    status: int
    body: bytes
    media_type: str = "text/plain"


class Webhook(Protocol):
    """One platform's webhooks; pure, built once from settings."""

    platform: Platform

    def handshake(self, query: Mapping[str, str]) -> HandshakeAnswer:
        """The answer to the GET by which the platform tests the address; 403 if it is not the platform."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """True if `body`, as received, byte for byte, is signed by the platform; in constant time.

        `headers` has lower-case names. False where no secret is configured.
        """
        ...

    def split(self, payload: object) -> Iterator[Change | Ignored | MalformedChange]:
        """The changes of a parsed delivery; never raises, whatever `payload` is."""
        ...

    def map(self, change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
        """The event of a change; raises MalformedChange if it claims to be a comment and is none."""
        ...


def event_id(event: CommentEvent) -> str:
    """Id of what happened on the platform, for the header `parley-event-id`.

    The same for every delivery of the same thing, and for `added` and `removed` the same from a poll.
    """
    parts = ["event", event.kind.value, event.comment_id]
    match event.kind:
        case CommentKind.ADDED:
            parts.append(event.revision_id or "")
        case CommentKind.EDITED:
            parts += [event.revision_id or "", event.occurred_at.isoformat()]
        case CommentKind.HIDDEN:
            parts += [str(event.is_hidden), event.occurred_at.isoformat()]
        case CommentKind.REPLY_OBSERVED:
            parts += [event.reply_id or "", event.text or ""]
    return str(uuid.uuid5(identity.NAMESPACE, "\x1f".join(parts)))
