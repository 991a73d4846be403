"""What a draft must pass before it may go out by itself; each check has a name, which becomes the rule's.

    language    written in another language than the comment
    empty       nothing in it
    too_long    longer than the platform takes
    unfilled    template marks left in it
    control     control or direction characters
    link        a web address      |
    e_mail      an e-mail address  | that is in neither template nor context
    phone       a telephone number |
    price       an amount of money |
    repeated    the same text as a recent reply

Lengths are counted so that the platform never counts more. Sources: platform-contracts.md; Instagram and
LinkedIn name no limit in their current reference, so Instagram's is the 300 of its retired API.
"""

import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from replies import wording
from schemas.events import Draft, Platform

LIMITS: Final = {
    Platform.FACEBOOK: 8000,
    Platform.INSTAGRAM: 300,
    Platform.X: 280,
    Platform.LINKEDIN: 1250,
}
"""Characters a reply may have (X: weighted)."""

_X_LINK: Final = 23
_UNFILLED: Final = re.compile(
    r"\{\{|\}\}|\{%|%\}|\[(?:name|nombre|nome|nom|brand|marca)\]|<\w+>", re.IGNORECASE
)
_MONEY: Final = re.compile(
    r"[$€£¥₹]\s{0,2}\d[\d.,]{0,12}"
    r"|\d[\d.,]{0,12}\s{0,2}(?:[$€£¥₹%]|(?:eur|euros?|usd|dollars?|dolares|pesos?|mxn|reais|brl|gbp|libras?"
    r"|pounds?|chf|francs?|franken)\b)",
    re.IGNORECASE,
)


class Failure(NamedTuple):
    """Which check a draft failed, and what it found."""

    name: str
    reason: str


def length_on(platform: Platform, text: str) -> int:
    """Characters of `text` as the platform counts them, or more.

    X weighs 1 what twitter-text v3 weighs 1 (U+0000-10FF, 2000-200D, 2010-201F, 2032-2037), else 2, and a
    link at least 23; emoji made of several characters count in full, which is never too few. Elsewhere UTF-16
    units are counted, as the strictest counters do.
    """
    text = unicodedata.normalize("NFC", text)
    if platform is not Platform.X:
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    weight = sum(1 if _is_light(ord(character)) else 2 for character in text)
    return weight + sum(max(0, _X_LINK - len(link)) for link in wording.links(text))


def _is_light(point: int) -> bool:
    return (
        point <= 0x10FF or 0x2000 <= point <= 0x200D or 0x2010 <= point <= 0x201F or 0x2032 <= point <= 0x2037
    )


def check(
    draft: Draft, *, platform: Platform, language: str | None, allowed: str = "", recent: Collection[str] = ()
) -> Failure | None:
    """The first check that a draft fails, or None.

    `language`: the comment's, None where it has none. `allowed`: template and context, whose links, numbers
    and prices the draft may repeat. `recent`: texts lately sent from the account.
    """
    text = draft.text
    if language is not None and draft.language != language:
        return Failure("language", f"the draft is in {draft.language}, the comment in {language}")
    if not text.strip():
        return Failure("empty", "the draft has no text")
    length = length_on(platform, text)
    if length > LIMITS[platform]:
        return Failure("too_long", f"{length} characters, {platform} takes {LIMITS[platform]}")
    if _UNFILLED.search(text):
        return Failure("unfilled", "template marks are left in the text")
    if any(c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Co") for c in text) or _turned(text):
        return Failure("control", "the text holds control characters")
    for name, what, find in _FINDERS:
        found = find(text)
        if found and found - find(allowed):
            return Failure(name, f"the draft holds {what} that is in neither template nor context")
    if _same(text) in {_same(other) for other in recent}:
        return Failure("repeated", "the same text was sent recently")
    return None


def prices(text: str) -> frozenset[str]:
    """Amounts of money and percentages in a text, without spaces."""
    return frozenset("".join(match.lower().split()) for match in _MONEY.findall(text))


_FINDERS: Final[tuple[tuple[str, str, Callable[[str], frozenset[str]]], ...]] = (
    ("e_mail", "an e-mail address", wording.emails),
    ("link", "a web address", wording.links),
    ("phone", "a telephone number", wording.phones),
    ("price", "a price", prices),
)


def _turned(text: str) -> bool:
    """True if direction marks are used, with which a text shows something else than it holds."""
    return any("\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069" for character in text)


def _same(text: str) -> str:
    return " ".join(wording.fold(text).split())
