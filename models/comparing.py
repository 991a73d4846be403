"""Where two models agree, and where not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Labels = tuple[str, str]
"""A text's sentiment and intent."""


@dataclass(slots=True)
class Comparison:
    """Agreement of two models over texts.

    `confusion` counts, by head, (label of the first, label of the second); `apart` are texts with both
    models' labels where either differs, the first `keep` of them.
    """

    keep: int = 20
    texts: int = 0
    confusion: dict[str, Counter[tuple[str, str]]] = field(
        default_factory=lambda: {"sentiment": Counter(), "intent": Counter()}
    )
    apart: list[tuple[str, Labels, Labels]] = field(default_factory=list)

    def add(self, rows: Iterable[tuple[str, Labels, Labels]]) -> None:
        """Count texts with what the first and the second model say."""
        for text, first, second in rows:
            self.texts += 1
            for head, pair in zip(self.confusion, zip(first, second, strict=True), strict=True):
                self.confusion[head][pair] += 1
            if first != second and len(self.apart) < self.keep:
                self.apart.append((text, first, second))

    def agreement(self, head: str) -> float | None:
        """Share of texts with the same label, None without texts."""
        same = sum(n for (a, b), n in self.confusion[head].items() if a == b)
        return round(same / self.texts, 4) if self.texts else None

    def kappa(self, head: str) -> float | None:
        """Agreement beyond chance (Cohen 1960), None without texts or where both always say one thing."""
        if not self.texts:
            return None
        pairs = self.confusion[head]
        first: Counter[str] = Counter()
        second: Counter[str] = Counter()
        for (a, b), n in pairs.items():
            first[a] += n
            second[b] += n
        chance = sum(first[label] * second[label] for label in first) / self.texts**2
        same = sum(n for (a, b), n in pairs.items() if a == b) / self.texts
        return None if chance == 1 else round((same - chance) / (1 - chance), 4)

    def differences(self, head: str) -> Sequence[tuple[tuple[str, str], int]]:
        """Pairs of labels that differ, the most frequent first."""
        return [(pair, n) for pair, n in self.confusion[head].most_common() if pair[0] != pair[1]]
