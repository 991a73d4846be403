"""Who wrote a comment, as Facebook's webhooks and nodes say it."""

from collections.abc import Mapping
from typing import Any

from connectors.fields import platform_id, short_name
from connectors.webhook import MalformedChange


def author_of(values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(id, name) of who wrote it: `from`, or `sender_id` and `sender_name` of the older form, or neither."""
    sender = values.get("from")
    if sender is None:
        return platform_id(values, "sender_id"), short_name(values.get("sender_name"))
    if not isinstance(sender, Mapping):
        raise MalformedChange("from", f"from is not an object: {type(sender).__name__}")
    return platform_id(sender, "id"), short_name(sender.get("name"))
