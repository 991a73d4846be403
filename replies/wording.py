"""A comment's text as the policy reads it: cleaned, folded, cut into words, and what its shape gives away.

Matching has to survive what people do to words: accents left out, capitals, full-width or decorated letters,
invisible characters, letters of another alphabet that look the same, digits for letters, letters spaced out.
Everything here is total (any string, also lone surrogates) and linear in the text, of which `READ` characters
are looked at.
"""

import functools
import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from replies.disguises import mixes_scripts, undisguised
from schemas.identity import clean_text

READ: Final = 10_000
"""Characters of a comment that are looked at; longer ones count as complex anyway."""

_WORD: Final = re.compile(r"[^\W_]+")
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
_STREETS: Final = (
    r"street|road|lane|avenue|drive|rd|st|ave|calle|avenida|avda|carrera|rua|travessa|alameda|rue|boulevard|bd|allee"
    r"|impasse|via|viale|piazza|corso|largo"
)
_HOME: Final = re.compile(
    rf"\b(?:{_STREETS})\.? (?:[^\W\d]+[ ,.]{{1,2}}){{1,4}}(?:n[o°.]{{0,2}} ?)?\d{{1,5}}\b"
    rf"|\b\d{{1,5}},? (?:[^\W\d]+ ){{0,3}}(?:{_STREETS})\b"
    r"|\b[^\W\d]+(?:strasse|str\.|gasse|weg|platz|allee) ?\d{1,4}\b"
)
"""In folded text: a street with a number."""

_NUMBERED: Final = re.compile(
    r"\b(?=(?:[a-z]{0,8}\d){5})(?=\d{0,12}[a-z])[a-z\d]{6,20}\b"
    r"|\b[a-z]{2}\d{2}(?: ?[a-z\d]{4}){2,7}\b|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b|\b[a-z]{2}\d{2} [a-z]{3}\b"
)
"""In folded text: numbers of passports, identity cards, accounts and cars."""

_MARKUP: Final = re.compile(
    r"</?[a-z!][^<>]{0,80}>|<!--|-->|\[/?inst\]|<\||\|>|```|\{\{|\}\}|\{\s*[\"']\w+[\"']\s*:|###"
    r"|(?:^|\n|[\"'(\[*])\s*(?:system|assistant|user|developer|sistema|asistente|assistente|systeme)\s*(?:\]|\))?\s*[:>=]"
    r"|\b(?=[a-z+/]{0,40}\d)(?=\S{0,60}[a-z]\d\S{0,60}[a-z])[a-z0-9+/]{28,}={0,2}|\b[a-z0-9+/]{16,}==?(?!\w)"
    r"|(?:%[0-9a-f]{2}){4}|(?:\\x[0-9a-f]{2}){3}|(?:\\u[0-9a-f]{4}){3}|(?:&#x?[0-9a-f]{2,5};){3}|(?:\b[01]{7,8}\b\s*){4}"
    r"|(?:\b[0-9a-f]{2}\b[ ,]*){12}"
)
"""In folded text: tags, fields, roles, and runs of letters that are a code."""

_SPELLED: Final = frozenset(
    _WORD.findall(
        "zero one two three four five six seven eight nine oh double triple cero uno dos tres cuatro cinco"
        " seis siete ocho nueve um dois quatro sete oito nove meia un deux trois quatre cinq sept huit neuf"
        " null eins zwei drei vier funf sechs sieben acht neun due tre quattro cinque sei sette otto doppio"
    )
)
"""Folded words that a telephone number is spelled with."""

_LEAST_SPELLED: Final = 6
_MAILBOX: Final = frozenset(("arroba", "arobase", "chiocciola", "klammeraffe", "gmail", "hotmail"))
_QUOTED: Final = re.compile(
    '["\u201c\u201d\u201e\u00ab\u00bb][^"\u201c\u201d\u201e\u00ab\u00bb]{1,300}["\u201c\u201d\u00ab\u00bb]'
    "|(?<!\\w)['\u2018][^'\u2018\u2019\\n]{2,80}['\u2019](?!\\w)"
)
_CLAUSE: Final = re.compile(r"[.,;:!?…()\n\u2013\u2014]|\s-\s|[\u2190-\U0010ffff]")
_SIGN: Final = re.compile(r"[<>{}\[\]`=%\\|&:#]")
_DIGIT: Final = re.compile(r"\d")
_HIDDEN: Final = re.compile(r"[^\W\d_][*#$@€]+[^\W_]|[^\W\d_]\*{2,}|\*{2,}[^\W\d_]")
_EMOTICONS: Final = (
    (re.compile(r"<3+"), "❤"),
    (re.compile(r"[:;=]-?[)D]+"), "🙂"),
    (re.compile(r":'?-?\(+"), "🙁"),
)
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_NOT_PLAIN: Final = re.compile(r"[^\x20-\x7e]")
_BINDERS: Final = frozenset("\u200d\ufe0e\ufe0f\u20e3")


@dataclass(frozen=True, slots=True)
class Wording:
    """What the policy sees of one text.

    `length`: characters of the whole text. `words`: folded words, then the same with disguises undone.
    `symbols`: its emoji and other signs, character by character. `contact`: addresses of mail or homes, and
    long numbers, also spelled out. `hidden_letters`: signs stand for letters ("f**k"). `markup`: tags, roles
    and codes. `asks`: it holds a question mark. `quotes`: it holds words in quotation marks, as those do who
    mock a word or dictate an answer. `clauses`: the folded words between marks of punctuation and symbols.
    """

    length: int
    words: tuple[str, ...]
    wordless: bool
    symbols: tuple[str, ...]
    link: bool
    contact: bool
    mixed_script: bool
    hidden_letters: bool
    markup: bool
    asks: bool
    quotes: bool
    clauses: tuple[tuple[str, ...], ...]

    @property
    def empty(self) -> bool:
        """True if there is nothing to read or to see, tags included."""
        return self.length == 0


@functools.lru_cache(maxsize=1024)  # triage, choice and decision come apart by what is in flight between
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
        words=tuple(words + undisguised(folded, words)),
        wordless=wordless,
        symbols=tuple(filter(_is_symbol, _NOT_ASCII.findall(rest))),
        link=bool(_LINK.search(seen)),
        contact=_has_contact(seen, folded) or _spells_contact(words),
        mixed_script=mixes_scripts(folded),
        hidden_letters=bool(_HIDDEN.search(_TAG.sub(" ", folded))),
        markup=_has_markup(folded),
        asks="?" in folded,
        quotes=bool(_QUOTED.search(seen)),
        clauses=tuple(tuple(clause) for part in _CLAUSE.split(folded) if (clause := _WORD.findall(part))),
    )


def documents(text: str) -> frozenset[str]:
    """Addresses of homes, and numbers of passports, accounts and cars, folded."""
    folded = fold(text)
    return frozenset(match[0] for pattern in (_HOME, _NUMBERED) for match in pattern.finditer(folded))


def _has_contact(seen: str, folded: str) -> bool:
    if "@" in seen and _EMAIL.search(seen):
        return True
    if not _DIGIT.search(folded):
        return False
    return bool(_PHONE.search(seen) or _HOME.search(folded) or _NUMBERED.search(folded))


def _spells_contact(words: list[str]) -> bool:
    if not _MAILBOX.isdisjoint(words):
        return True
    run = 0
    for word in words:
        run = run + 1 if word in _SPELLED else 0
        if run == _LEAST_SPELLED:
            return True
    return False


def _has_markup(folded: str) -> bool:
    if not (
        _SIGN.search(folded) or _DIGIT.search(folded) or len(max(folded.split(), key=len, default="")) > 15
    ):
        return False
    return bool(_MARKUP.search(folded)) or ("&" in folded and bool(_MARKUP.search(html.unescape(folded))))


def fold(text: str) -> str:
    """Case, accents, width and invisible characters removed: "Ábogàdo" and "ABOGADO" are one."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return _NOT_ASCII.sub(_without_mark, unicodedata.normalize("NFKD", decomposed))


def _without_mark(match: re.Match[str]) -> str:
    return "" if unicodedata.category(match[0]) in ("Mn", "Me") else match[0]


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


def _is_symbol(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "SM" and character not in _BINDERS and category != "Sk"
