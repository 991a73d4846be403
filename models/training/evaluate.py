"""Prints a model folder's figures as JSON, through the code path that labels comments."""

import argparse
import json
from pathlib import Path

import numpy as np

from models.analyzer import DEFAULT_MODEL, Analyzer
from models.training.data import INTENTS, SENTIMENTS, Example, comments
from models.training.quality import Array, intents, macro, summary


def evaluate(analyzer: Analyzer, folder: Path) -> dict[str, object]:
    """All figures of `analyzer` on the validation files in `folder` and the held-out comments."""

    def predict(examples: list[Example]) -> tuple[Array, Array]:
        found = analyzer.analyze([e.text for e in examples])
        sentiment = np.array([[a.sentiment_scores[s] for s in SENTIMENTS] for a in found], np.float32)
        intent = np.array([[a.intent_scores[i] for i in INTENTS] for a in found], np.float32)
        return np.log(np.maximum(sentiment, 1e-9)), np.log(np.maximum(intent, 1e-9))

    held = comments("heldout")
    answered = np.array([INTENTS.index(a.intent) for a in analyzer.analyze([e.text for e in held])])
    return {
        "model": analyzer.name,
        "hash": analyzer.hash,
        **summary(predict, folder),
        "intent_macro_f1_with_threshold": macro(intents(held), answered, 7)["macro_f1"],
    }


def main() -> None:
    """Evaluate one model folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    args = parser.parse_args()
    print(json.dumps(evaluate(Analyzer.load(args.model), args.data), ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
