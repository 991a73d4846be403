"""Cursors and times of the simulated Graph API. Pure.

Cursors are positions: they stay right while comments are added or removed.
"""

import base64
import binascii
from datetime import UTC, datetime


def time_of(seconds: float) -> str:
    """Unix seconds as the Graph API writes them."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def cursor_of(position: int, mark: str = "") -> str:
    """The cursor of a position; an empty page's is marked."""
    return base64.urlsafe_b64encode(f"{position}{mark}".encode()).decode().rstrip("=")


def position_of(cursor: object) -> int:
    """The position of a cursor; 0 for none, and for what is none."""
    text = str(cursor or "")
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return 0
    number = decoded.removesuffix("e")
    return int(number) if number.isdigit() else 0
