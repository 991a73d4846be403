"""Themes: texts that say alike, found by their embeddings. Pure: vectors and words in, groups out.

Near-duplicates are put together first; then the text with most neighbours gathers them into a theme, and so
on with what is left (as sentence-transformers' fast clustering does). Memory grows with the texts, not with
their square: neighbours are counted in blocks and looked up again for those that gather.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

SAME = 0.9
"""Cosine from which two texts count as one wording: "Precio?", "precio?!!".

Of 2,600 comments in other casing, without accents, without signs or with "!!" put to them 86 to 98 in 100
are that near to the original; two in 100 have another comment as near.
"""

ALIKE = 0.7
"""Cosine from which a text belongs to a theme, measured from its middle; fits the shipped model's vectors."""

_BLOCK = 512
_WORD = re.compile(r"[^\W\d_]{3,}")
_SHARED_BY = 3


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme: places of its texts, the one nearest to its centre first, with their cosine to it.

    `wordings` numbers near-duplicates alike, beginning at 0. `examples` are places of texts of different
    wordings. `terms` are words that mark the theme, each in three of its texts or more, so that no name of
    one person is among them by chance.
    """

    members: tuple[int, ...]
    nearness: tuple[float, ...]
    wordings: tuple[int, ...]
    examples: tuple[int, ...]
    terms: tuple[str, ...]


def find_themes(
    embeddings: Array, texts: Sequence[str], *, least: int = 5, most: int = 50, alike: float = ALIKE
) -> list[Theme]:
    """Give the themes of n texts with unit `embeddings` (n, width), the largest first.

    A theme has at least `least` texts; `most` themes are given.
    """
    if len(texts) == 0:
        return []
    vectors = _spread(embeddings)
    leaders, belongs = _near_duplicates(vectors)
    sizes = np.bincount(belongs, minlength=len(leaders)).astype(np.float32)
    groups = _gather(vectors[leaders], sizes, least, alike)
    frequency = Counter(word for text in texts for word in _words(text))
    themes = [_theme(vectors, belongs, group, texts, frequency) for group in groups]
    return sorted(themes, key=lambda theme: -len(theme.members))[:most]


def _spread(embeddings: Array) -> Array:
    """Centred and of unit length again: sentence embeddings crowd in one direction, whatever they say."""
    if len(embeddings) < 20:
        return embeddings
    centred = embeddings - 0.5 * embeddings.mean(axis=0)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9), np.float32)


def _near_duplicates(vectors: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(places of the first text of each wording, the wording of each text)."""
    leaders: list[int] = []
    belongs = np.zeros(len(vectors), np.int64)
    held = np.zeros_like(vectors)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        known = held[: len(leaders)]
        near = block @ known.T if len(known) else np.zeros((len(block), 0), np.float32)
        within = block @ block.T
        first = len(leaders)
        for row in range(len(block)):
            old = int(near[row].argmax()) if near.shape[1] else -1
            fresh = [leader - start for leader in leaders[first:]]
            new = int(within[row, fresh].argmax()) if fresh else -1
            if old >= 0 and near[row, old] >= SAME:
                belongs[start + row] = old
            elif new >= 0 and within[row, fresh[new]] >= SAME:
                belongs[start + row] = first + new
            else:
                held[len(leaders)] = block[row]
                belongs[start + row] = len(leaders)
                leaders.append(start + row)
    return np.array(leaders), belongs


def _gather(vectors: Array, sizes: Array, least: int, alike: float) -> list[npt.NDArray[np.int64]]:
    """Groups of wordings: the one with most texts around it gathers those that are free."""
    around = np.concatenate(
        [
            ((vectors[start : start + _BLOCK] @ vectors.T) >= alike) @ sizes
            for start in range(0, len(vectors), _BLOCK)
        ]
    )
    free = np.ones(len(vectors), bool)
    groups = []
    for place in np.argsort(-around, kind="stable"):
        if around[place] < least:
            break
        if not free[place]:
            continue
        near = np.flatnonzero(free & (vectors @ vectors[place] >= alike))
        if sizes[near].sum() < least:
            continue
        # once more from the middle of what was found: the first text is one among them
        middle = sizes[near] @ vectors[near]
        middle /= max(float(np.linalg.norm(middle)), 1e-9)
        near = np.flatnonzero(free & (vectors @ middle >= alike))
        if sizes[near].sum() >= least:
            free[near] = False
            groups.append(near)
    return groups


def _theme(
    vectors: Array,
    belongs: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    texts: Sequence[str],
    frequency: Counter[str],
) -> Theme:
    members = np.flatnonzero(np.isin(belongs, group))
    centre = vectors[members].mean(axis=0)
    centre /= max(float(np.linalg.norm(centre)), 1e-9)
    near = vectors[members] @ centre
    order = np.argsort(-near, kind="stable")
    members, near = members[order], near[order]
    numbers = {
        int(wording): number for number, wording in enumerate(dict.fromkeys(belongs[members].tolist()))
    }
    wordings = [numbers[int(wording)] for wording in belongs[members]]
    examples = [int(members[wordings.index(number)]) for number in range(min(5, len(numbers)))]
    return Theme(
        tuple(members.tolist()),
        tuple(round(float(value), 4) for value in near),
        tuple(wordings),
        tuple(examples),
        _terms([texts[int(place)] for place in members], frequency, len(texts)),
    )


def _terms(texts: Sequence[str], frequency: Counter[str], total: int, most: int = 6) -> tuple[str, ...]:
    """Words more frequent here than elsewhere, by count times log of how much more."""
    here = Counter(word for text in texts for word in _words(text))
    scored = {
        word: count * math.log((count / len(texts)) / (frequency[word] / total))
        for word, count in here.items()
        if count >= _SHARED_BY and count / len(texts) >= 2 * frequency[word] / total
    }
    ranked = sorted(scored.items(), key=lambda item: (-item[1], item[0]))
    return tuple(word for word, _ in ranked)[:most]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold())) - {"user", "http", "email", "number"}
