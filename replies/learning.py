"""What people's verdicts on drafts suggest: template weights, and the confidence from which drafts hold.

Suggestions only: a person accepts them by changing a template or the policy; nothing changes by itself.

**Threshold** of an intent: the lowest confidence from which on, with 95 % certainty, at least `target` of the
drafts that people judged were sent unchanged (lower Wilson bound: Wilson 1927, "Probable Inference").
**Weight** of a template: the share of its drafts that were sent unchanged, an edited one counting half, drawn
towards the share of all templates that serve the same intent by `PRIOR` imagined drafts, over the best one's.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

LEAST: Final = 20
"""Judged drafts below which nothing is suggested."""

PRIOR: Final = 10
_Z: Final = 1.645  # one-sided 95 %
_EDITED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Counts:
    """How people judged drafts."""

    approved: int = 0
    edited: int = 0
    rejected: int = 0

    @property
    def judged(self) -> int:
        """All of them."""
        return self.approved + self.edited + self.rejected


@dataclass(frozen=True, slots=True)
class Threshold:
    """`confidence`: from here on drafts hold, None if from nowhere; of `judged` there, so many approved."""

    confidence: float | None
    judged: int
    approved: int


def wilson(good: int, number: int) -> float:
    """Lower bound of a share, 0 to 1; 0 for none."""
    if not number:
        return 0.0
    share, z2 = good / number, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / number + z2 / (4 * number * number))
    return max(0.0, (share + z2 / (2 * number) - spread) / (1 + z2 / number))


def threshold(verdicts: Iterable[tuple[float, bool]], target: float) -> Threshold:
    """The threshold for (confidence, sent unchanged) pairs; `target` is a share, 0 to 1."""
    ordered = sorted(verdicts, reverse=True)
    found = Threshold(None, len(ordered), sum(approved for _, approved in ordered))
    good = 0
    for number, (confidence, approved) in enumerate(ordered, 1):
        good += approved
        if number < len(ordered) and ordered[number][0] == confidence:
            continue  # drafts of one confidence stand or fall together
        if number >= LEAST and wilson(good, number) >= target:
            found = Threshold(confidence, number, good)
    return found


def weights(counts: Sequence[Counts]) -> list[float | None]:
    """A weight, 0.05 to 1, for each template that serves one intent; None where too few were judged."""
    scores = [each.approved + _EDITED * each.edited for each in counts]
    judged = sum(each.judged for each in counts)
    if not judged:
        return [None] * len(counts)
    usual = sum(scores) / judged
    shares = [
        (score + PRIOR * usual) / (each.judged + PRIOR) for score, each in zip(scores, counts, strict=True)
    ]
    best = max(shares)
    return [
        round(max(0.05, share / best), 2) if best and each.judged >= LEAST else None
        for share, each in zip(shares, counts, strict=True)
    ]
