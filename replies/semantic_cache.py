"""Wordings that a language model wrote for harmless comments, used again for comments that nearly equal them.

"Great!!", "great" and "Greaat 😍" come by the thousand. A wording is used again only from a shelf that holds
several of them, in turn and never one that was just said, so readers see variation. Shelves are for one
account, intent, sentiment and language. Whatever needs an answer to its content is never shelved: only short
compliments without numbers, links, contacts or question marks. Prompts carry no names, so wordings hold none.

Alike is told by letters, not by embeddings: to the shipped model "great coffee" and "Great tea" are nearer
(0.96) than "great coffee" and "Great coffee!" (0.93), and thanks for the coffee must not stand below the tea.
"""

import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from replies import wording
from replies.recent import same
from schemas.events import Analysis, CommentEvent
from schemas.labels import Intent, Sentiment

ALIKE: Final = 0.8
"""Least likeness (share of common letter groups) of comments that share a shelf."""

ENOUGH: Final = 4
"""Wordings that a shelf must hold before one is used again."""

KINDS: Final = 4_000
"""Shelves' groups (account, intent, sentiment, language) that are kept; the least used go."""

SHELVES: Final = 48
"""Shelves of a group: so many are compared with a comment, and no more."""

_LONGEST: Final = 80
_STRETCHED: Final = re.compile(r"([^\W\d])\1{2,}")
_ASKS: Final = re.compile(r"[\d?¿؟？]")

Group = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A wording with what is to be stored of where it came from."""

    text: str
    language: str
    confidence: float
    model: str
    prompt_hash: str
    template: str | None = None
    template_version: int | None = None


@dataclass(slots=True)
class _Shelf:
    letters: frozenset[str]
    wordings: OrderedDict[str, Written] = field(default_factory=OrderedDict)


class SemanticCache:
    """Bounded, in one process, one event loop."""

    def __init__(self, *, enough: int = ENOUGH) -> None:
        self._enough = enough
        self._groups: OrderedDict[Group, OrderedDict[frozenset[str], _Shelf]] = OrderedDict()

    def find(self, comment: CommentEvent, analysis: Analysis, recent: Collection[str] = ()) -> Written | None:
        """The wording used longest ago that is none of `recent`; None: have one written."""
        letters = _letters(comment, analysis)
        shelf = self._shelf(_group(comment, analysis), letters) if letters else None
        if shelf is None or len(shelf.wordings) < self._enough:
            return None
        said = {same(text) for text in recent}
        for key, written in shelf.wordings.items():
            if key not in said:
                shelf.wordings.move_to_end(key)
                return written
        return None

    def put(self, comment: CommentEvent, analysis: Analysis, written: Written) -> None:
        """Shelves a wording, if the comment is harmless; a shelf keeps twice as many as it must hold."""
        letters = _letters(comment, analysis)
        if not letters:
            return
        group = _group(comment, analysis)
        shelf = self._shelf(group, letters)
        if shelf is None:
            shelves = self._groups.setdefault(group, OrderedDict())
            shelf = shelves[letters] = _Shelf(letters)
            if len(shelves) > SHELVES:
                shelves.popitem(last=False)
            if len(self._groups) > KINDS:
                self._groups.popitem(last=False)
        shelf.wordings[same(written.text)] = written
        if len(shelf.wordings) > 2 * self._enough:
            shelf.wordings.popitem(last=False)

    def clear(self) -> None:
        """Forgets everything: what shaped the wordings (voice, templates, policy) has changed."""
        self._groups.clear()

    def _shelf(self, group: Group, letters: frozenset[str]) -> _Shelf | None:
        shelves = self._groups.get(group)
        if shelves is None:
            return None
        self._groups.move_to_end(group)
        best = max(shelves.values(), key=lambda shelf: _likeness(shelf.letters, letters), default=None)
        if best is None or _likeness(best.letters, letters) < ALIKE:
            return None
        shelves.move_to_end(best.letters)
        return best


def _letters(comment: CommentEvent, analysis: Analysis) -> frozenset[str]:
    """What the comment is compared by; empty where it is not harmless."""
    text = comment.text or ""
    if (
        analysis.intent is not Intent.COMPLIMENT
        or analysis.sentiment is Sentiment.NEGATIVE
        or len(text) > _LONGEST
        or _ASKS.search(text)
        or comment.attachments
    ):
        return frozenset()
    seen = wording.read(text)
    if seen.link or seen.contact or seen.mixed_script:
        return frozenset()
    return _trigrams(_STRETCHED.sub(r"\1", text.lower()))


def _group(comment: CommentEvent, analysis: Analysis) -> Group:
    return (
        comment.platform.value,
        comment.account_id,
        analysis.intent.value,
        analysis.sentiment.value,
        analysis.language,
    )


def _trigrams(text: str) -> frozenset[str]:
    """Groups of three letters of the folded words; tags are left out."""
    words = " ".join(word for word in wording.fold(text).split() if word[0] not in "@#")
    letters = "".join(character for character in words if character.isalnum() or character == " ")
    padded = f"  {' '.join(letters.split())} "
    if not letters.strip():
        return frozenset()
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the groups that both have, 0 to 1."""
    return len(one & other) / len(one | other)
