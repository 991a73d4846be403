"""What a platform says of an error, as people may read it: its own words, which can hold a token.

Meta answers "Malformed access token EAAB..." with the whole token.
"""

import re
from typing import Final

_SECRET: Final = re.compile(r"(?=[\w|~+-]*[A-Za-z])(?=[\w|~+-]*\d)[\w|~+-]{24,}")
"""Long runs of letters and digits: ids are digits alone, names of rights letters alone."""


def quoted(message: object) -> str:
    """The message on one line, with what may be a token left out."""
    text = "".join(character if character.isprintable() else " " for character in str(message))
    return _SECRET.sub("[left out]", text)
