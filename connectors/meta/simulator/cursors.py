"""Cursors and times of the simulated Graph API. Pure.

Cursors are positions: they stay right while comments are added or removed.
"""

import base64
import binascii
from datetime import UTC, datetime


def time_of(seconds: float) -> str:
    """Unix seconds as the Graph API writes them."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def cursor_of(position: int, came_from: object = None, *, empty: bool = False) -> str:
    """The cursor of a position; an empty page's differs from the one that led to it, as real cursors do."""
    mark = "e" * (_decoded(came_from).count("e") + 1) if empty else ""
    return base64.urlsafe_b64encode(f"{position}{mark}".encode()).decode().rstrip("=")


def position_of(cursor: object) -> int:
    """The position of a cursor; 0 for none, and for what is none."""
    number = _decoded(cursor).rstrip("e")
    return int(number) if number.isdigit() else 0


def _decoded(cursor: object) -> str:
    text = str(cursor or "")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
