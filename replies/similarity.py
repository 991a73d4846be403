"""How alike two comments are by their letters: quick, bounded, and without a model.

The draft worker has no embeddings (an enriched comment carries labels, not vectors) and computing one costs
some milliseconds of a core for every comment. Within one account, intent and language, which the models have
already told apart, the letters say enough about which comments ask for the same thing.
"""

from typing import Final

from replies import wording

_READ: Final = 300


def trigrams(text: str | None) -> frozenset[str]:
    """Groups of three letters of the folded words, of the text's first 300 characters; tags are left out."""
    words = " ".join(word for word in wording.fold(text or "")[:_READ].split() if word[0] not in "@#")
    letters = "".join(character for character in words if character.isalnum() or character == " ")
    padded = f"  {' '.join(letters.split())} "
    if not letters.strip():
        return frozenset()
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the groups that both have, 0 to 1; two texts without letters are alike in nothing."""
    either = len(one | other)
    return len(one & other) / either if either else 0.0
