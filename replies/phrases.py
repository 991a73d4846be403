"""Finds the policy's words and phrases in a comment, in time linear in the comment's words.

A phrase is whole words ("see you in court"); a `*` at a word's end stands for any ending ("abogad*"). There
are no regular expressions in a policy, so no policy can make matching slow.

What is a rude word in one language is "with" in another. So a phrase is looked for in comments of its own
language, English phrases in all; phrases of the groups `everywhere` are looked for whatever the language is,
and so are all phrases where it is not known.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from replies.wording import split

_SPOKEN_EVERYWHERE: Final = "en"
_LEAST: Final = 2
_KEY: Final = 4
"""A first word with any ending is looked up by its first 2 to 4 letters, others as a whole."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[tuple[str, bool], ...]
    group: str
    language: str
    written: str

    def starts_at(self, words: Sequence[str], at: int) -> bool:
        if at + len(self.words) > len(words):
            return False
        for offset, (expected, any_ending) in enumerate(self.words):
            word = words[at + offset]
            if word != expected and not (any_ending and word.startswith(expected)):
                return False
        return True


class Phrases:
    """Groups of phrases, ready to be looked for."""

    def __init__(
        self, groups: Mapping[str, Mapping[str, Iterable[str]]], *, everywhere: Collection[str] = ()
    ) -> None:
        """`groups`: phrases by group and language; raises ValueError naming a phrase that can never match."""
        self._whole: dict[str, list[_Phrase]] = {}
        self._begun: dict[str, list[_Phrase]] = {}
        self._everywhere = frozenset(everywhere)
        for group, languages in groups.items():
            for language, phrases in languages.items():
                for written in phrases:
                    phrase = _Phrase(_parsed(written), group, language, written)
                    first, any_ending = phrase.words[0]
                    if any_ending:
                        self._begun.setdefault(first[:_KEY], []).append(phrase)
                    else:
                        self._whole.setdefault(first, []).append(phrase)

    def find(self, words: Sequence[str], language: str | None) -> dict[str, str]:
        """The first phrase found of each group that occurs in the folded `words`, by group.

        `language`: the comment's, None where it is not known.
        """
        found: dict[str, str] = {}
        for at, word in enumerate(words):
            candidates = list(self._whole.get(word, ()))
            for letters in range(_LEAST, _KEY + 1):
                candidates += self._begun.get(word[:letters], ()) if len(word) >= letters else ()
            for phrase in candidates:
                if phrase.group in found or not self._applies(phrase, language):
                    continue
                if phrase.starts_at(words, at):
                    found[phrase.group] = phrase.written
        return found

    def _applies(self, phrase: _Phrase, language: str | None) -> bool:
        return (
            language is None
            or phrase.language in (language, _SPOKEN_EVERYWHERE)
            or phrase.group in self._everywhere
        )


def _parsed(written: str) -> tuple[tuple[str, bool], ...]:
    """(folded word, any ending allowed) of each word in a phrase."""
    parsed: list[tuple[str, bool]] = []
    for part in written.split():
        folded = split(part)
        if not folded or "*" in part.rstrip("*"):
            raise ValueError(f"phrase {written!r}: {part!r} is no word; '*' may only end a word")
        parsed += [(word, False) for word in folded[:-1]]
        parsed.append((folded[-1], part.endswith("*")))
    if not parsed or (parsed[0][1] and len(parsed[0][0]) < _LEAST):
        raise ValueError(f"phrase {written!r}: its first word needs {_LEAST} letters or more before '*'")
    return tuple(parsed)
