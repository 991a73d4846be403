"""Reading single fields of platforms' JSON: what is essential must fit, what is not may be missing.

Essential fields raise MalformedChange named after the field; the others give None for anything odd.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.webhook import MalformedChange
from schemas.identity import clean_text

MAX_TEXT_BYTES: Final = 262_144
"""Longest text taken as a comment, in bytes of UTF-8: every record made of it stays below Kafka's 1 MB."""

MAX_NAME: Final = 200
MAX_URL: Final = 4096
_ID: Final = re.compile(r"[0-9A-Za-z_:.-]{1,128}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SKEW: Final = timedelta(days=1)


def named(prefix: str, value: object) -> str:
    """`prefix:value` where the value is a plain word, else `prefix:other`: safe as a metric label."""
    return f"{prefix}:{value if isinstance(value, str) and _NAME.fullmatch(value) else 'other'}"


def platform_id(values: Mapping[str, Any], key: str) -> str | None:
    """An id, written as a string or (by older payloads of Meta) as a number; None if absent."""
    value = values.get(key)
    if value is None:
        return None
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not _ID.fullmatch(text):
        raise MalformedChange(key, f"{key} is not an id: {type(value).__name__} {str(value)[:80]!r}")
    return text


def text_of(values: Mapping[str, Any], key: str = "message") -> str:
    """The cleaned text; empty where the comment has none (a photo alone)."""
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise MalformedChange(key, f"{key} is not a text: {type(value).__name__}")
    text = clean_text(value)
    if len(text) > MAX_TEXT_BYTES // 4 and len(text.encode()) > MAX_TEXT_BYTES:
        raise MalformedChange(f"{key}_too_long", f"{key} has {len(text)} characters")
    return text


def short_name(value: object) -> str | None:
    """A display name, cut at 200 characters."""
    return clean_text(value)[:MAX_NAME] if isinstance(value, str) and value else None


def url_of(value: object) -> str | None:
    """A URL; None for anything else, or longer than any browser takes."""
    fits = isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) <= MAX_URL
    return clean_text(value) if fits else None  # type: ignore[arg-type]


def moment(value: object, now: datetime) -> datetime | None:
    """A time, from unix seconds (webhooks) or ISO 8601 (Graph).

    None where it is missing, unreadable, or more than a day in the future: then the sender's clock is wrong.
    """
    try:
        if isinstance(value, str) and not value.isdigit():
            read = datetime.fromisoformat(value)
        elif isinstance(value, (int, float, str)) and not isinstance(value, bool):
            read = datetime.fromtimestamp(float(value), UTC)
        else:
            return None
        read = read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return read if read <= now + _SKEW and read.year >= 2004 else None
