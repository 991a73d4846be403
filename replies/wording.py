"""A comment's text as the policy reads it: cleaned, folded, cut into words, and what its shape gives away.

Matching has to survive what people do to words: accents left out, capitals, full-width or decorated letters,
invisible characters, letters of another alphabet that look the same, digits for letters, letters spaced out.
Everything here is total (any string, also lone surrogates) and linear in the text, of which `READ` characters
are looked at.
"""

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from schemas.identity import clean_text

READ: Final = 10_000
"""Characters of a comment that are looked at; longer ones count as complex anyway."""

_WORD: Final = re.compile(r"[^\W_]+")
_SPACED_LETTERS: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*]{1,3}){2,40}[^\W\d_](?![^\W_])")
_LINK: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"]{1,2000}"
    r"|(?<![\w@.])(?:[a-z0-9-]{1,63}\.){1,4}"
    r"(?:com|net|org|io|me|ly|gg|co|app|shop|store|site|online|xyz|info|biz|link|top|club|live"
    r"|es|mx|ar|cl|pe|br|pt|fr|de|it|eu|uk|us|ru|tk)(?:/[^\s<>\"]{0,2000})?(?![\w@])",
    re.IGNORECASE,
)
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_PHONE: Final = re.compile(r"(?<![\w.,])(?:\+|00)?\(?\d(?:[ ()./-]{0,2}\d){6,14}(?!\w)")
_TAG: Final = re.compile(r"[@#][\w.]{1,100}")
_EMOTICONS: Final = (
    (re.compile(r"<3+"), "❤"),
    (re.compile(r"[:;=]-?[)D]+"), "🙂"),
    (re.compile(r":'?-?\(+"), "🙁"),
)
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_NOT_PLAIN: Final = re.compile(r"[^\x20-\x7e]")
_FOREIGN: Final = re.compile("[\u0370-\u03ff\u0400-\u04ff]")
_LATIN: Final = re.compile("[a-z]")
_LOOKALIKES: Final = str.maketrans(
    "аеорсухкмтнвіјѕԁαεοιρτυχκν",
    "aeopcyxkmthbijsdaeoiptuxkv",
)
_LEET: Final = str.maketrans("$@!|013457", "saiioieast")
_PUNCTUATION: Final = ".,;:!?¡¿…\"'()"
_BINDERS: Final = frozenset("\u200d\ufe0e\ufe0f\u20e3")


@dataclass(frozen=True, slots=True)
class Wording:
    """What the policy sees of one text.

    `length`: characters of the whole text. `words`: folded words, each disguise undone beside the original.
    `symbols`: its emoji and other signs, character by character.
    """

    length: int
    words: tuple[str, ...]
    wordless: bool
    symbols: tuple[str, ...]
    link: bool
    contact: bool
    mixed_script: bool

    @property
    def empty(self) -> bool:
        """True if there is nothing to read or to see, tags included."""
        return self.length == 0


@functools.lru_cache(maxsize=16)  # triage, choice and decision of a comment follow one another
def read(text: str | None) -> Wording:
    """The wording of a comment's text."""
    whole = clean_text(text)
    seen = _visible(whole[:READ])
    folded = fold(seen)
    words = _WORD.findall(folded)
    rest = _LINK.sub(" ", _EMAIL.sub(" ", _TAG.sub(" ", seen)))
    for emoticon, symbol in _EMOTICONS:
        rest = emoticon.sub(symbol, rest)
    wordless = not any(character.isalnum() for character in fold(rest))
    return Wording(
        length=len(whole.strip()) if seen.strip() else 0,
        words=tuple(words + _undisguised(folded, words)),
        wordless=wordless,
        symbols=tuple(filter(_is_symbol, _NOT_ASCII.findall(rest))),
        link=bool(_LINK.search(seen)),
        contact=bool(_EMAIL.search(seen) or _PHONE.search(seen)),
        mixed_script=any(_FOREIGN.search(word) and _LATIN.search(word) for word in words),
    )


def fold(text: str) -> str:
    """Case, accents, width and invisible characters removed: "Ábogàdo" and "ABOGADO" are one."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return _NOT_ASCII.sub(_without_mark, unicodedata.normalize("NFKD", decomposed))


def _without_mark(match: re.Match[str]) -> str:
    return "" if unicodedata.category(match[0]) == "Mn" else match[0]


def split(phrase: str) -> tuple[str, ...]:
    """The folded words of a phrase, as `Wording.words` holds them."""
    return tuple(_WORD.findall(fold(phrase)))


def has_link(text: str) -> bool:
    """True if the text holds a web address, also one without http."""
    return bool(_LINK.search(text))


def links(text: str) -> frozenset[str]:
    """The web addresses in a text, lower case."""
    return frozenset(match.lower().rstrip(".,;:!?)") for match in _LINK.findall(text))


def emails(text: str) -> frozenset[str]:
    """The e-mail addresses in a text, lower case."""
    return frozenset(match.lower().rstrip(".") for match in _EMAIL.findall(text))


def phones(text: str) -> frozenset[str]:
    """What looks like telephone or other long numbers (seven digits and more), digits only."""
    return frozenset(re.sub(r"\D", "", match) for match in _PHONE.findall(text))


def _visible(text: str) -> str:
    """Without control characters (as spaces) and without format characters, but for those inside emoji."""
    if text.isascii() and text.isprintable():
        return text
    return _NOT_PLAIN.sub(lambda match: _shown(match[0]), text)


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" and character not in _BINDERS:
        return ""
    return " " if category in ("Cc", "Zl", "Zp", "Co", "Cn") else character


def _undisguised(folded: str, words: list[str]) -> list[str]:
    """The text's words once more with every disguise undone; [] if there is none.

    A first "" keeps phrases from being found across the seam.
    """
    joined = _SPACED_LETTERS.sub(lambda match: "".join(_WORD.findall(match[0])), folded)
    pieces = [piece.strip(_PUNCTUATION) for piece in joined.split()]
    plain = " ".join(piece if piece.isdigit() else piece.translate(_LEET) for piece in pieces)
    found = [
        word.translate(_LOOKALIKES) if _FOREIGN.search(word) and _LATIN.search(word) else word
        for word in _WORD.findall(plain)
    ]
    return [] if found == words else ["", *found]


def _is_symbol(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "SM" and character not in _BINDERS and category != "Sk"
