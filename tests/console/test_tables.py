"""On a narrow terminal columns are left out by importance and named; none becomes a sliver."""

import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from console import account_list, review, templates
from console.tables import Column, show
from replies.shipped import default_book

ID = "1f0c2b4e-5a69-4b1e-9d3c-0a1b2c3d4e5f"
WAITING = {
    "comment_id": ID,
    "level": "supervisor",
    "sentiment": "negative",
    "intent": "complaint",
    "language": "es",
    "text": "My parcel has been on its way for three weeks and nobody of yours answers the telephone. " * 2,
    "draft": "We are sorry that your parcel is late; please send us its number, and we look for it at once.",
    "reason": "negative sentiment: a person decides",
}
ACCOUNT = {
    "platform": "instagram",
    "account_id": "17841400000000001",
    "name": "Acme Outdoor Equipment",
    "mode": "review",
    "status": "needs_auth",
    "status_reason": "the token ended",
    "problem": None,
    "replies_per_minute": 20.0,
    "arrival": "webhook+polling",
    "comments": 120_345,
    "received_by_webhook": 120_000,
    "found_only_by_polling": 345,
    "last_good_poll": None,
}


def shown(columns: Sequence[Column], rows: Sequence[Any], width: int) -> str:
    out = io.StringIO()
    show(columns, rows, "nothing", console=Console(file=out, width=width))
    return out.getvalue()


def headings(text: str) -> list[str]:
    lines = [line.strip("┃").split("┃") for line in text.splitlines() if line.startswith("┃")]
    return [" ".join(part.strip() for part in parts).strip() for parts in zip(*lines, strict=True)]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 200])
@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (review.COLUMNS, [WAITING]),
        (account_list.COLUMNS, [ACCOUNT]),
        (templates.COLUMNS, list(default_book().templates.values())),
    ],
    ids=["review", "accounts", "templates"],
)
def test_no_line_is_longer_than_the_terminal_and_no_text_is_a_sliver(
    columns: Sequence[Column], rows: Sequence[Any], width: int
) -> None:
    text = shown(columns, rows, width)
    assert all(len(line) <= width for line in text.splitlines())
    cells = max(len(re.findall("[│┃]", line)) for line in text.splitlines()) - 1
    assert cells >= 2
    lines = [line for line in text.splitlines() if line.startswith("│")]
    assert len(lines) <= 8 * len(rows), "folded into slivers"


def test_at_80_columns_the_waiting_items_show_what_is_decided_about() -> None:
    text = shown(review.COLUMNS, [WAITING], 80)
    assert headings(text)[:2] == ["Id", "Level"]
    assert {"Draft", "Labels"} <= set(headings(text))
    assert ID[:8] in text
    assert ID[:9] not in text
    assert "show more: Why" in text


def test_at_80_columns_an_account_can_be_named_in_the_next_command() -> None:
    text = shown(account_list.COLUMNS, [ACCOUNT], 80)
    assert headings(text)[:5] == ["Platform", "Account", "Name", "Mode", "Status"]
    assert "17841400000000001" in text
    assert "By poll alone" in text.split("show more")[1]


def test_a_wide_terminal_shows_everything_and_says_nothing_of_more() -> None:
    assert "show more" not in shown(account_list.COLUMNS, [ACCOUNT], 200)
    text = shown(review.COLUMNS, [WAITING], 200)
    assert "show more" not in text
    assert ID in text


def test_what_people_wrote_neither_steers_nor_colours_the_table() -> None:
    text = shown(review.COLUMNS, [WAITING | {"text": "[red]\x1b[31m 注文が届きません"}], 80)
    assert "[red]" in text.replace("\n", "")
    assert "\x1b" not in text


def test_no_rows_are_said() -> None:
    assert shown(review.COLUMNS, [], 80) == "nothing\n"
