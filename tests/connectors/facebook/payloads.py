"""Deliveries as Facebook sends them."""

from typing import Any

PAGE = "104000000000001"
POST = f"{PAGE}_11"
AUTHOR = "7000000000000001"


def change(**fields: Any) -> dict[str, Any]:
    """The value of a change: a top-level comment by a person; None leaves a field out."""
    author = fields.pop("author", AUTHOR)
    value = {
        "item": "comment",
        "verb": "add",
        "comment_id": "11_22",
        "post_id": POST,
        "parent_id": POST,
        "from": {"id": author, "name": "Ana"} if author else None,
        "created_time": 1_700_000_000,
        "message": "hello",
        **fields,
    }
    return {key: content for key, content in value.items() if content is not None}


def delivery(*values: dict[str, Any], time: Any = 1_700_000_100, field: str = "feed") -> dict[str, Any]:
    """A delivery of one entry."""
    changes = [{"field": field, "value": value} for value in values]
    return {"object": "page", "entry": [{"id": PAGE, "time": time, "changes": changes}]}
