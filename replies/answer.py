"""What a language model answers: its JSON schema, how it is read, signs that it was talked into something.

Nothing that a model writes is believed: types, lengths and ranges are checked, and a reply that repeats its
instructions, its tags or a good part of the comment is not used.
"""

import functools
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from replies import wording

MARK: Final = "quillon-7731"
"""Stands in every system message and nowhere else: a reply that holds it repeats its instructions."""

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reply", "language", "confidence", "reasons"],
    "properties": {
        "reply": {"type": "string", "description": "The reply, plain text."},
        "language": {"type": "string", "description": "ISO 639-1 code of the reply's language."},
        "confidence": {"type": "number", "description": "0 to 1: how well the reply fits."},
        "reasons": {"type": "array", "items": {"type": "string"}, "description": "At most three, short."},
    },
}
"""Strict: every property required, no others."""

_TAGS: Final = ("<task", "<post", "<earlier", "<example", "<template", "<comment", "&lt;", "</")
_LANGUAGE: Final = re.compile("[A-Za-z]{2}")
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""What JSON can write and neither Kafka's schemas nor Postgres take."""

_RUN_OF_RULES: Final = 8
_RUN_OF_COMMENT: Final = 6
_LONGEST_REASON: Final = 160


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that may become a draft. `confidence` is the model's own word, 0 to 1."""

    reply: str
    language: str
    confidence: float
    reasons: tuple[str, ...]


class UnusableAnswer(Exception):
    """The content cannot become a draft; `reason` is a short fixed name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(content: str, *, system: str, comment: str) -> Answer:
    """The answer in a completion's content; raises UnusableAnswer.

    `system` and `comment` are what the model was given, to find what it only repeats.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise UnusableAnswer("not_json") from None
    if not isinstance(found, dict) or not isinstance(found.get("reply"), str):
        raise UnusableAnswer("not_as_asked")
    reply, language = _tidy(found["reply"]), found.get("language")
    if not reply:
        raise UnusableAnswer("empty")
    if not isinstance(language, str) or not _LANGUAGE.match(language):
        raise UnusableAnswer("not_as_asked")
    if _NO_TEXT.search(reply):
        raise UnusableAnswer("no_text")
    if repeats(reply, system, comment):
        raise UnusableAnswer("echo")
    confidence, reasons = found.get("confidence"), found.get("reasons")
    sure = isinstance(confidence, int | float) and not isinstance(confidence, bool) and 0 <= confidence <= 1
    told = reasons if isinstance(reasons, list) else []
    return Answer(
        reply,
        language[:2].lower(),
        float(confidence) if sure and confidence is not None else 0.0,
        tuple(_NO_TEXT.sub(" ", each[:_LONGEST_REASON]) for each in told[:3] if isinstance(each, str)),
    )


def repeats(reply: str, system: str, comment: str) -> bool:
    """True if a reply shows its instructions, or says what the comment says: six of its words in a row."""
    folded = wording.fold(reply)
    if MARK in folded or any(tag in folded for tag in _TAGS):
        return True
    said = wording.split(reply)
    return bool(
        _runs(said, _RUN_OF_RULES) & _rules(system)
        or _runs(said, _RUN_OF_COMMENT) & _runs(wording.split(comment), _RUN_OF_COMMENT)
    )


@functools.lru_cache(maxsize=256)  # one system message an account
def _rules(system: str) -> frozenset[tuple[str, ...]]:
    return frozenset(_runs(wording.split(system), _RUN_OF_RULES))


def _runs(words: tuple[str, ...], length: int) -> set[tuple[str, ...]]:
    return {words[at : at + length] for at in range(len(words) - length + 1)}


def _tidy(text: str) -> str:
    """Lines without blank edges, no quotes around the whole, none of the model's blank lines."""
    lines = [" ".join(line.split()) for line in text.strip().strip('"').splitlines()]
    return "\n".join(line for line in lines if line)
