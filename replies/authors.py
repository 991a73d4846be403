"""What a reply may call the author: a first name that is safe to repeat in public, or nothing.

Names on platforms are data that strangers choose: they hold links, insults, instructions and shop names. A
reply without a name is always fine, so every doubt ends in "".
"""

import re
import unicodedata
from typing import Final

from replies.wording import fold, has_link
from schemas.identity import clean_text

MAX_NAME: Final = 20
"""Longest first name that is repeated."""

_MAX_READ: Final = 100
_JOINTS: Final = re.compile(r"[-'’]")
_ODD: Final = re.compile(r"[@#/\\<>{}\[\]|=$%&*_~^:;?!\d]")
_INNER_CAPITAL: Final = re.compile(r"(?<![-'’])(?<!\bMc)(?<!\bMac)(?<=\w)[A-ZÀ-ÖØ-Þ]")
_REPEATED: Final = re.compile(r"(.)\1\1", re.IGNORECASE)


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_NOT_NAMES: Final = frozenset(
    # articles, titles and what accounts call themselves instead of a name
    _listed(
        """the los las el la le les un una une der die das il lo gli os as um uma ein eine mr mrs ms miss
        mx dr dra sr sra srta don dona lic ing prof herr frau fraulein signor signora madame
        monsieur user usuario utente nutzer utilisateur anonymous anonimo anonyme anonym
        deleted unknown null none nobody nadie test admin administrator moderator official
        oficial officiel support soporte help team equipo info facebook instagram twitter
        linkedin meta system assistant bot page pagina account cuenta profile member shop store
        tienda loja boutique negozio laden radio banco bank club bar cafe hotel restaurante
        restaurant studio estudio grupo group casa clinica academia escuela school noticias
        news tv canal channel free gratis god dios lord king queen rey reina papi mami
        baby daddy mommy sexy hot amor your you ignore"""
    )
)
_RUDE: Final = frozenset(
    _listed(
        """die kill dick cock fag bite rape nazi cunt slut cono culo polla verga joto figa troia merda
        hure foda porra satan hitler penis pussy cazzo puta puto"""
    )
)
_RUDE_BEGINNINGS: Final = _listed(
    """fuck fck shit bitch asshole arsehole nigger nigga faggot whore porn rapist vagin mierd cabron
        pendej maricon gilipoll chinga caralho buceta viado merde putain connard salope encul
        scheiss arschl fotze wichs stronz vaffan"""
)


def safe_first_name(name: str | None) -> str:
    """The author's first name as a reply may say it, 2 to `MAX_NAME` letters; "" if in any doubt."""
    text = unicodedata.normalize("NFKC", clean_text(name)[:_MAX_READ])
    text = "".join(" " if unicodedata.category(c)[0] in "CZS" else c for c in text)
    words = text.split()
    if not words or has_link(text) or _ODD.search(text):
        return ""
    first = words[0].strip(".,'’-\"()")
    if not all(part.isalpha() for part in _JOINTS.split(first)) or _REPEATED.search(first):
        return ""
    folded = fold(first)
    if any(_is_rude(fold(word)) for word in words):
        return ""
    if folded in _NOT_NAMES or not _is_one_script(first):
        return ""
    written = _written(first, alone=len(words) == 1)
    return written if 2 <= len(written) <= MAX_NAME else ""


def _is_rude(folded: str) -> bool:
    return folded in _RUDE or folded.startswith(_RUDE_BEGINNINGS)


def _written(first: str, *, alone: bool) -> str:
    """The name with a capital; "" where its capitals say that it is a handle or an abbreviation."""
    if first.isupper():
        return first.title() if len(first) > 2 else ""
    if first.islower():
        return "" if alone else first.title()
    return "" if _INNER_CAPITAL.search(first) else first


def _is_one_script(word: str) -> bool:
    scripts = {unicodedata.name(c, "?").split()[0] for c in word if c.isalpha()}
    return len(scripts) == 1 or scripts <= {"HIRAGANA", "KATAKANA", "CJK"}
