"""What people wrote, printed: it must neither steer nor colour the terminal it is shown on."""

import json
import re
from typing import Any, Final

from rich.text import Text

_STEERING: Final = re.compile("[\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")
"""C1 control characters and marks of direction: JSON leaves them as they are, terminals obey them."""


def printable(text: str) -> str:
    """One line without control characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def cell(value: object) -> Text:
    """A table's cell; square brackets are no markup in it."""
    return Text("" if value is None else printable(str(value)))


def json_line(value: Any, *, indent: int | None = None) -> str:
    """JSON that can be read in every script; what would steer a terminal is escaped."""
    text = json.dumps(value, ensure_ascii=False, default=str, indent=indent)
    return _STEERING.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
