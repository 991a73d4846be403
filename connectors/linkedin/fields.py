"""Reading single fields of LinkedIn's JSON; MalformedChange is named after the field that does not fit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.fields import moment, text_of
from connectors.linkedin.urns import CommentUrn, comment_urn, is_urn
from connectors.webhook import MalformedChange


def object_of(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside another; empty where it is missing, since decorations may be."""
    value = values.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MalformedChange(key, f"{key} is not an object: {type(value).__name__}")
    return value


def urn_of(values: Mapping[str, Any], key: str) -> str | None:
    """A simple urn; None if absent."""
    value = values.get(key)
    if value is None:
        return None
    if not is_urn(value):
        raise MalformedChange(key, f"{key} is no urn: {str(value)[:80]!r}")
    return str(value)


def comment_of(values: Mapping[str, Any], key: str) -> CommentUrn | None:
    """The urn of a comment; None if absent or the urn of something else."""
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise MalformedChange(key, f"{key} is no urn: {type(value).__name__}")
    return comment_urn(value)


def message_of(values: Mapping[str, Any]) -> str:
    """The text of a comment that the API shows: `message.text`, empty where it has none (an image alone)."""
    return text_of(object_of(values, "message"), "text")


def time_of(value: object, now: datetime) -> datetime | None:
    """A time in milliseconds; None where it is missing, unreadable, or more than a day in the future."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return moment(value / 1000, now)
    except OverflowError:
        return None


def number_of(values: object, *keys: str) -> int | None:
    """The first whole number under any of the keys."""
    for key in keys if isinstance(values, Mapping) else ():
        value = values.get(key)  # type: ignore[attr-defined]
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
