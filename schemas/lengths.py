"""How X counts the characters of a post, for whoever writes one and whoever sends it. Pure.

Source: "Counting Characters" of X's documentation (twitter-text, configuration 3): after Unicode NFC, Latin
and its neighbours weigh 1 and everything else 2; an emoji, however many code points it has, 2; a link 23.

X tells links without `https://` by a list of top-level domains that changes: here everything of their form
weighs what is more, a link or its letters. Joined emoji weigh 2 only if they begin with a person: of others
it is not known which X's table has. So a text may be found too long that X would take, hardly the other way.
The one package on the index that counts (twitter-text-parser) does not start: it asks for `pkg_resources`.
"""

import re
import unicodedata
from typing import Final

_LINK_WEIGHT: Final = 23
_LIGHT: Final = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))

_PEOPLE: Final = (
    "\u261d\u26f9\u270a-\u270d\U0001f385\U0001f3c2-\U0001f3c4\U0001f3c7\U0001f3ca-\U0001f3cc\U0001f442"
    "\U0001f443\U0001f446-\U0001f450\U0001f466-\U0001f478\U0001f47c\U0001f481-\U0001f483\U0001f485-\U0001f487"
    "\U0001f48f\U0001f491\U0001f4aa\U0001f574\U0001f575\U0001f57a\U0001f590\U0001f595\U0001f596"
    "\U0001f645-\U0001f647\U0001f64b-\U0001f64f\U0001f6a3\U0001f6b4-\U0001f6b6\U0001f6c0\U0001f6cc\U0001f90c"
    "\U0001f90f\U0001f918-\U0001f91f\U0001f926\U0001f930-\U0001f939\U0001f93d\U0001f93e\U0001f977\U0001f9b5"
    "\U0001f9b6\U0001f9b8\U0001f9b9\U0001f9bb\U0001f9cd-\U0001f9cf\U0001f9d1-\U0001f9dd"
)
"""Emoji that take a colour of skin (Unicode's Emoji_Modifier_Base)."""

_SIGN: Final = (
    f"(?:[{_PEOPLE}][\U0001f3fb-\U0001f3ff]"
    "|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f3fa\U0001f400-\U0001faff]\ufe0f?)"
)
_EMOJI: Final = (
    "[0-9#*]\ufe0f?\u20e3"  # keycaps
    "|[\U0001f1e6-\U0001f1ff]{2}"  # flags
    "|\U0001f3f4[\U000e0061-\U000e007a0-9]+\U000e007f"  # flags of parts of countries
    f"|(?=[{_PEOPLE}\U0001f9d1]){_SIGN}(?:\u200d{_SIGN})*"  # people and families
    f"|{_SIGN}"
)
_DOMAIN: Final = r"(?:[\w-]+\.)+[^\W\d_]{2,63}"
_ASCII_DOMAIN: Final = r"(?:[A-Za-z0-9_-]+\.)+[A-Za-z]{2,63}"
_DOMAIN_BEGINS: Final = r"(?<![A-Za-z0-9_-])(?<![A-Za-z0-9_-]\.)"
"""A run of letters without a domain at its beginning has none further on; looking on takes quadratic time."""
_REST: Final = r"(?::\d+)?(?:[/?](?:[!-~]*[\w/=&#+-])?)?"
_PART: Final = re.compile(
    rf"(?<![\w@$#])(?P<link>https?://{_DOMAIN}{_REST})"
    rf"|(?P<bare>{_DOMAIN_BEGINS}{_ASCII_DOMAIN}{_REST})|(?P<emoji>{_EMOJI})|.",
    re.DOTALL | re.IGNORECASE,
)


def weighted_length(text: str) -> int:
    """Weighted characters of a text, as X counts them or more."""
    total = 0
    for part in _PART.finditer(unicodedata.normalize("NFC", text)):
        match part.lastgroup:
            case "link":
                total += _LINK_WEIGHT
            case "bare":
                total += max(_LINK_WEIGHT, sum(map(_weight, part[0])))
            case "emoji":
                total += 2
            case _:
                total += _weight(part[0])
    return total


def _weight(character: str) -> int:
    return 1 if any(first <= ord(character) <= last for first, last in _LIGHT) else 2
