"""What a comment's node says of the replies below it."""

from typing import Any

import pytest

from connectors.facebook.reading import comment_state
from tests.connectors.contract import NOW
from tests.connectors.facebook.payloads import PAGE

OWN = {"id": "99", "message": "hi", "from": {"id": PAGE}, "created_time": "2026-11-22T10:00:00+0000"}
OTHER = {"id": "98", "message": "me too", "from": {"id": "7"}}
NAMELESS = {"id": "97", "message": "?"}


@pytest.mark.parametrize(
    ("node", "known"),
    [
        ({"comment_count": 0}, []),
        ({"comment_count": 2}, None),
        ({}, None),
        ({"comments": {"data": [OTHER, OWN, NAMELESS]}}, ["11_99"]),
        ({"comments": {"data": [OWN], "paging": {"cursors": {"after": "x"}}}}, ["11_99"]),
        ({"comments": {"data": [OWN], "paging": {"next": "https://example.org"}}}, None),
        ({"comments": []}, None),
    ],
)
def test_own_replies_are_known_only_if_all_are_listed(node: dict[str, Any], known: list[str] | None) -> None:
    state = comment_state({"message": "hello", **node}, "11_22", PAGE, NOW)
    assert (known is None) == (state.own_replies is None)
    assert [reply.reply_id for reply in state.own_replies or ()] == (known or [])
