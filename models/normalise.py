"""One way to clean a comment, shared by training, validation and inference.

A model only sees text that went through `normalise`; a change here asks for a newly trained model,
which is why the manifest of a model carries `VERSION`.
"""

import html
import re
import unicodedata

VERSION = 1
"""Version of the cleaning rules; a model trained under another version is refused by the registry."""

MAX_CHARS = 2_000
"""Characters of a comment that are read; platforms cap comments at 2,200 to 8,000, labels show earlier."""

_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"'/\\ntr]))")
_ESCAPES = {"n": " ", "t": " ", "r": " "}
_TAG = re.compile(r"</?(?:br|b|i|a|p|span|div)\b[^<>]{0,200}>", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)
_BARE_LINK = re.compile(
    r"(?<![\w@.])(?:[a-z0-9-]{2,63}\.){1,3}(?:com|net|org|io|me|ly|gg|shop|store|xyz|info|app)"
    r"(?:/[^\s<>\"]*)?(?!\w)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_HANDLE = re.compile(r"(?<![\w@])@[\w.]{1,40}(?<!\.)")
_NUMBER = re.compile(r"(?<!\w)\+?\d(?:[ ().-]{0,2}\d){5,18}(?!\w)")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_GENDERED = re.compile("\u200d[\u2640\u2642\u26a7]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufff9-\uffff]")
_RUN = re.compile(r"([^\d\s])\1{3,}")
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Give the cleaned text, at most `MAX_CHARS` characters long; "" where nothing readable is left.

    Undone: literal ``\\uXXXX`` and ``\\"`` escapes, HTML entities and tags, compatibility forms (NFKC).
    Masked: handles (``@user``), links (``http``), e-mails (``[email]``), numbers of six or more digits
    (``[number]``). Dropped: invisible characters, variation selectors, skin tones, gender signs, control
    characters, lone surrogates. Shortened: runs of one character to three, white space to one space.
    Idempotent up to masks; never raises.
    """
    text = text[: MAX_CHARS * 2]
    if "\\" in text:
        text = _ESCAPED.sub(_unescape, text)
    if "&" in text:
        text = html.unescape(text)
    if not text.isascii():
        text = _join_surrogates(text)
        text = _INVISIBLE.sub("", _GENDERED.sub("", text))
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    if "<" in text:
        text = _TAG.sub(" ", text)
    text = _CONTROL.sub(" ", text)
    if "." in text:
        text = _LINK.sub(" http ", text)
        text = _EMAIL.sub("[email]", text)
        text = _BARE_LINK.sub("http", text)
    if "@" in text:
        text = _HANDLE.sub("@user", text)
    text = _NUMBER.sub("[number]", text)
    text = _RUN.sub(r"\1\1\1", text)
    return _SPACE.sub(" ", text[:MAX_CHARS]).strip()


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPES.get(match[2], match[2])


def _join_surrogates(text: str) -> str:
    """Join surrogate pairs that arrived as two code units, drop lone ones."""
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
