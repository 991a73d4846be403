"""Deliveries as Instagram sends them."""

from typing import Any

ACCOUNT = "17841400000000001"
USERNAME = "parley.shop"
AUTHOR = "1230000000000001"


def value(**fields: Any) -> dict[str, Any]:
    """The value of a change: a top-level comment by a person; None leaves a field out."""
    told = {
        "id": "179001",
        "text": "hello",
        "from": {"id": AUTHOR, "username": "ana"},
        "media": {"id": "180001", "media_product_type": "FEED"},
        **fields,
    }
    return {key: content for key, content in told.items() if content is not None}


OWN = {"id": ACCOUNT, "username": USERNAME}


def delivery(*values: Any, time: Any = 1_700_000_100, field: str = "comments") -> dict[str, Any]:
    """A delivery of one entry, in the form of Facebook Login."""
    changes = [{"field": field, "value": told} for told in values]
    return {"object": "instagram", "entry": [{"id": ACCOUNT, "time": time, "changes": changes}]}


def bare(told: Any, *, field: str = "comments") -> dict[str, Any]:
    """A delivery in the form of Instagram Login: field and value in the entry."""
    entry = {"id": ACCOUNT, "time": 1_700_000_100, "field": field, "value": told}
    return {"object": "instagram", "entry": [entry]}
