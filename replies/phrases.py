"""Finds the policy's words and phrases in a comment, in time linear in the comment's words.

A phrase is whole words ("see you in court"). A `*` at a word's end stands for any ending ("abogad*"), one
before a single word for any beginning ("*azepam"), `..` for up to three words ("better .. without me"). There
are no regular expressions in a policy, so no policy can make matching slow. A phrase without such words is
also found written as one word ("#endmylife").

What is a rude word in one language is "with" in another. So a phrase is looked for in comments of its own
language, English phrases in all; phrases of the groups `everywhere` are looked for whatever the language is,
and so are all phrases where it is not known.

An idiom excuses a group where it says what is meant ("ilegal de lo bueno"): what is found within its words
does not count for that group; the same word elsewhere in the comment does.
"""

import functools
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from replies.wording import split

_SPOKEN_EVERYWHERE: Final = "en"
_LEAST: Final = 2
_LEAST_ENDING: Final = 4
_KEY: Final = 4
"""A first word with any ending is looked up by its first 2 to 4 letters, others as a whole."""

_WORDS_KEPT: Final = 20_000
"""Distinct words whose phrases are remembered: most words of a comment are the same few thousand."""

_TEXTS_KEPT: Final = 128
"""Comments whose findings are remembered: triage, drafting and decision follow one another."""

_GAP: Final = ".."
_SKIPPED: Final = 3
_AS_ONE_WORD: Final = 8
"""Letters that a phrase needs to be looked for without its spaces, so that it is no other word by chance."""


class _Word(NamedTuple):
    text: str
    any_ending: bool
    after_gap: bool = False
    any_beginning: bool = False

    def fits(self, word: str) -> bool:
        if self.any_beginning:
            return word.endswith(self.text)
        return word == self.text or (self.any_ending and word.startswith(self.text))


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[_Word, ...]
    group: str
    language: str
    written: str

    @property
    def second(self) -> str | None:
        second = self.words[1] if len(self.words) > 1 else None
        return second.text if second and not second.any_ending and not second.after_gap else None

    def end_from(self, words: Sequence[str], at: int) -> int:
        """Where the phrase that begins at `words[at]` ends, 0 if none does; "" in `words` is a seam."""
        return self._rest(words, at, 0)

    def _rest(self, words: Sequence[str], at: int, expected: int) -> int:
        while expected < len(self.words):
            word = self.words[expected]
            if word.after_gap:
                seam = False
                for begin in range(at, min(at + _SKIPPED + 1, len(words))):
                    seam = seam or not words[begin]
                    fits = not seam and word.fits(words[begin])
                    if fits and (end := self._rest(words, begin + 1, expected + 1)):
                        return end
                return 0
            if at >= len(words) or not word.fits(words[at]):
                return 0
            at, expected = at + 1, expected + 1
        return at


class Phrases:
    """Groups of phrases, ready to be looked for."""

    def __init__(
        self,
        groups: Mapping[str, Mapping[str, Iterable[str]]],
        *,
        everywhere: Collection[str] = (),
        idioms: Mapping[str, Mapping[str, Iterable[str]]] | None = None,
    ) -> None:
        """`groups`, `idioms`: phrases by group and language, idioms by the group they excuse.

        Raises ValueError naming a phrase that can never match.
        """
        self._whole: dict[str, list[_Phrase]] = {}
        self._begun: dict[str, list[_Phrase]] = {}
        self._ended: dict[str, list[_Phrase]] = {}
        self._everywhere = frozenset(everywhere)
        self._starting_with = functools.lru_cache(maxsize=_WORDS_KEPT)(self._candidates)
        self._found = functools.lru_cache(maxsize=_TEXTS_KEPT)(self._find)
        self._idioms = Phrases(idioms, everywhere=idioms) if idioms else None
        for group, languages in groups.items():
            for language, phrases in languages.items():
                for written in phrases:
                    phrase = _Phrase(_parsed(written), group, language, written)
                    self._add(phrase)
                    if joined := _joined(phrase.words):
                        self._add(_Phrase((joined,), group, language, written))

    def _add(self, phrase: _Phrase) -> None:
        first = phrase.words[0]
        if first.any_beginning:
            self._ended.setdefault(first.text[-_LEAST_ENDING:], []).append(phrase)
        elif first.any_ending:
            self._begun.setdefault(first.text[:_KEY], []).append(phrase)
        else:
            self._whole.setdefault(first.text, []).append(phrase)

    def find(
        self, words: tuple[str, ...], language: str | None, also: str | None = None
    ) -> Mapping[str, str]:
        """The first phrase found of each group that occurs in the folded `words`, by group.

        `language`: the comment's, None where it is not known. `also`: another that may be mixed in.
        """
        return self._found(words, language, also)

    def _find(self, words: tuple[str, ...], language: str | None, also: str | None) -> Mapping[str, str]:
        found: dict[str, str] = {}
        spoken = None if language is None else frozenset((language, also, _SPOKEN_EVERYWHERE))
        excused: dict[str, list[int]] | None = None
        for phrase, begin, end in self._occurring(words, spoken):
            if phrase.group in found:
                continue
            if excused is None:
                excused = self._excused(words)
            if phrase.group not in excused or excused[phrase.group][begin] < end:
                found[phrase.group] = phrase.written
        return MappingProxyType(found)

    def _occurring(
        self, words: Sequence[str], spoken: frozenset[str | None] | None
    ) -> Iterator[tuple[_Phrase, int, int]]:
        for at, word in enumerate(words):
            following = words[at + 1] if at + 1 < len(words) else ""
            for phrase, second in self._starting_with(word):
                if second is not None and second != following:
                    continue  # most end here, before anything is called
                if self._applies(phrase, spoken) and (end := phrase.end_from(words, at)):
                    yield phrase, at, end

    def _candidates(self, word: str) -> tuple[tuple[_Phrase, str | None], ...]:
        """The phrases whose first word this may be, each with its second where only one word will do."""
        found = list(self._whole.get(word, ()))
        for letters in range(_LEAST, min(_KEY, len(word)) + 1):
            found += [each for each in self._begun.get(word[:letters], ()) if each.words[0].fits(word)]
        found += [each for each in self._ended.get(word[-_LEAST_ENDING:], ()) if each.words[0].fits(word)]
        return tuple((phrase, phrase.second) for phrase in found)

    def _excused(self, words: Sequence[str]) -> dict[str, list[int]]:
        """By group and word: where the idiom ends that reaches farthest and begins there or before."""
        reach: dict[str, list[int]] = {}
        for idiom, begin, end in self._idioms._occurring(words, None) if self._idioms else ():
            ends = reach.setdefault(idiom.group, [0] * len(words))
            ends[begin] = max(ends[begin], end)
        return {group: list(itertools.accumulate(ends, max)) for group, ends in reach.items()}

    def _applies(self, phrase: _Phrase, spoken: frozenset[str | None] | None) -> bool:
        return spoken is None or phrase.language in spoken or phrase.group in self._everywhere


def _joined(words: tuple[_Word, ...]) -> _Word | None:
    """The phrase written as one word, None where it has gaps, inner endings, or would be too short."""
    if len(words) < 2 or any(word.after_gap for word in words) or any(word.any_ending for word in words[:-1]):
        return None
    text = "".join(word.text for word in words)
    return _Word(text, words[-1].any_ending) if len(text) >= _AS_ONE_WORD else None


def _ending(written: str) -> _Word:
    folded = split(written)
    if len(folded) != 1 or "*" in written[1:] or len(folded[0]) < _LEAST_ENDING:
        raise ValueError(
            f"phrase {written!r}: '*' may only begin a single word of {_LEAST_ENDING} letters or more"
        )
    return _Word(folded[0], any_ending=False, any_beginning=True)


def _parsed(written: str) -> tuple[_Word, ...]:
    if written.startswith("*"):
        return (_ending(written),)
    parsed: list[_Word] = []
    gap = False
    for part in written.split():
        if part == _GAP:
            gap = True
            continue
        folded = split(part)
        if not folded or "*" in part.rstrip("*"):
            raise ValueError(
                f"phrase {written!r}: {part!r} is no word; '*' may only end a word, '..' stands alone"
            )
        parsed += [_Word(word, False, gap and not at) for at, word in enumerate(folded)]
        parsed[-1] = parsed[-1]._replace(any_ending=part.endswith("*"))
        gap = False
    if not parsed or (parsed[0].any_ending and len(parsed[0].text) < _LEAST):
        raise ValueError(f"phrase {written!r}: its first word needs {_LEAST} letters or more before '*'")
    if gap or parsed[0].after_gap:
        raise ValueError(f"phrase {written!r}: '..' stands between words, not at an end")
    return tuple(parsed)
