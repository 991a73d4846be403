"""Changes of a delivery that no connector understands, as dead letters."""

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Final

from connectors.webhook import MalformedChange
from infra.discreet import message_of, where
from schemas.events import DeadLetter, Platform, utc_now
from schemas.identity import NAMESPACE

STAGE: Final = "webhook"

MAX_VALUE: Final = 524_288
"""Most bytes of a change that are kept; a delivery may bring megabytes, a record may not."""

Seal = Callable[[bytes], tuple[bytes, str | None]]
"""Encrypts a dead letter's value: takes the bytes, gives what is stored and the id of the key used."""


def unsealed(value: bytes) -> tuple[bytes, str | None]:
    """No encryption."""
    return value, None


def dead_change(
    platform: Platform, error: Exception, raw: object, account_id: str | None, seal: Seal
) -> DeadLetter:
    """The dead letter of one change; the same id for the same content, however often it is delivered.

    `raw`: the change as parsed JSON. It never was a record, so topic is `webhook:<platform>`, and partition
    and offset are 0.
    """
    value = json.dumps(raw, sort_keys=True).encode()
    digest = hashlib.sha256(value).hexdigest()
    message = message_of(error)
    if len(value) > MAX_VALUE:
        message = f"{message} (cut: {len(value)} bytes)"
        value = value[:MAX_VALUE]
    expected = isinstance(error, MalformedChange)
    sealed, key_id = seal(value)
    return DeadLetter(
        dead_letter_id=str(uuid.uuid5(NAMESPACE, "\x1f".join(("dead_letter", STAGE, platform, digest)))),
        stage=STAGE,
        reason=error.reason if isinstance(error, MalformedChange) else "unexpected_error",
        error=type(error).__name__,
        message=_plain(message[:4000]),
        stack="" if expected else _plain(where(error)[-8000:]),
        topic=f"webhook:{platform}",
        partition=0,
        offset=0,
        key=account_id.encode() if account_id else None,
        value=sealed,
        key_id=key_id,
        failed_at=utc_now(),
    )


def _plain(text: str) -> str:
    """Text that Avro can write: no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
