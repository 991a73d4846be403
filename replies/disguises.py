"""What people do to words so that no list finds them, undone: each disguise gives the text's words once more.

    spaced      k i l l  m y s e l f     letters apart, two spaces between words
    lookalike   ѕuісіdе, 🅺🅸🅻🅻            letters of other alphabets, letters in boxes
    leet        s3lf-h@rm                 digits and signs for letters; 1 is read as i and as l
    cut         sui.cide, self-harm       signs inside a word
    stretched   suiiiicide                letters repeated
    hidden      s*icide                   a star for a vowel
    coded       &#107;ill                 entities

Total and linear in the text: each disguise is undone once, and only where it occurs.
"""

import html
import re
from collections.abc import Mapping
from typing import Final

WORD: Final = re.compile(r"[^\W_]+")
_SPACED: Final = re.compile(r"(?<![^\W_])(?:[^\W_][ .\-_*+|/]){2,80}[^\W_](?![^\W_])")
_SPACED_WIDELY: Final = re.compile(r"(?<![^\W_])(?:[^\W_](?: {1,3}|[ .\-_*+|/,]{1,3})){2,80}[^\W_](?![^\W_])")
_LETTERS_APART: Final = re.compile(r"(?<![^\W_])[^\W_][\W_]{1,3}[^\W_][\W_]{1,3}[^\W_](?![^\W_])")
_FOREIGN: Final = re.compile("[^\\W\\d_a-z\u00aa-\u024f]")
_LATIN: Final = re.compile("[a-z]")
_BOXED: Final = re.compile(
    "[\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189\U0001f1e6-\U0001f1ff]"
)
_NOT_LETTERS: Final = re.compile(r"(?<=[^\W_])[^\w\s]{1,3}(?=[^\W_])")
_STRETCHED: Final = re.compile(r"([^\W\d_])\1{2,}")
_STARRED: Final = re.compile(r"(?<=[^\W_])[*#_•](?=[^\W_*#])|(?<![^\W_*])[*•](?=[^\W_])")
_LEET: Final = re.compile(r"[^\W\d_][\d$@!|€£+(]|[\d$@!|€£+(][^\W\d_]")
_ENTITY: Final = re.compile(r"&#?\w{2,8};")
_PUNCTUATION: Final = ".,;:!?¡¿…\"'()"

_LOOKALIKES: Final = str.maketrans(
    "аеорсухкмтнвіјѕԁɡһӏցոսαεοιρτυχκνηωзгпшьıłøđħŧᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ",
    "aeopcyxkmthbijsdghlgnuaeoiptuxkvnw3rnwbilodhtabcdefghijklmnoprstuvwyz",
)
_SIGNS: Final = "$@!|0134578€£+("
_AS_I: Final = str.maketrans(_SIGNS, "saiioieastbeltc")
_AS_L: Final = str.maketrans(_SIGNS, "salloleastbeltc")


def undisguised(folded: str, words: list[str]) -> list[str]:
    """The words of a folded text with its disguises undone; [] if it has none.

    Every reading begins with "", a seam that keeps phrases from being found across it.
    """
    text = html.unescape(folded).lower() if "&" in folded and _ENTITY.search(folded) else folded
    if not text.isascii():
        text = _latin(_BOXED.sub(_unboxed, text))
    readings = [_words(text)]
    if _LETTERS_APART.search(text):
        readings.append(_words(_SPACED_WIDELY.sub(_together, text)))
        text = _SPACED.sub(_together, text)
        readings.append(_words(text))
    if _LEET.search(text):
        for table in (_AS_I, _AS_L):
            plain = " ".join([_unleet(piece, table) for piece in text.split()])
            readings += [_words(plain), _words(_NOT_LETTERS.sub("", plain))]
    if _NOT_LETTERS.search(text):
        readings.append(_words(_NOT_LETTERS.sub("", text)))
    if _STRETCHED.search(text):
        readings += [_words(_STRETCHED.sub(each, text)) for each in (r"\1", r"\1\1")]
    if _STARRED.search(text):
        readings += [_words(_STARRED.sub(vowel, text)) for vowel in "aeiou"]
    told: list[str] = []
    seen = [words]
    for reading in readings:
        if reading not in seen:
            seen.append(reading)
            told += ["", *reading]
    return told


def mixes_scripts(folded: str) -> bool:
    """True if Latin letters and letters of another alphabet occur together."""
    return not folded.isascii() and bool(_LATIN.search(folded)) and bool(_FOREIGN.search(folded))


def _words(text: str) -> list[str]:
    return WORD.findall(text)


def _together(match: re.Match[str]) -> str:
    return "".join(WORD.findall(match[0]))


def _unleet(piece: str, table: Mapping[int, int]) -> str:
    bare = piece.strip(_PUNCTUATION.replace("!", "")).rstrip("!") or piece
    return bare if bare.isdigit() and len(bare) > 1 else bare.translate(table)


def _latin(text: str) -> str:
    """Lookalikes as Latin letters, where a word is nothing but Latin letters and lookalikes."""
    if text.isascii():
        return text
    changed = text.translate(_LOOKALIKES)
    if changed == text:
        return text
    return WORD.sub(lambda match: _latin_word(match[0]), text)


def _latin_word(word: str) -> str:
    changed = word.translate(_LOOKALIKES)
    return changed if not _FOREIGN.search(changed) else word


def _unboxed(match: re.Match[str]) -> str:
    point = ord(match[0])
    for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6):
        if first <= point < first + 26:
            return chr(ord("a") + point - first)
    return match[0]
