"""The figures of a model, through the code path that labels comments: no torch, the cache off."""

from pathlib import Path

import numpy as np

from models.analyzer import Analyzer
from models.training.data import INTENTS, SENTIMENTS, Example, comments
from models.training.quality import Array, intents, macro, summary
from schemas.errors import ConfigurationError


def evaluate(analyzer: Analyzer, folder: Path) -> dict[str, object]:
    """All figures of `analyzer` on the validation files in `folder` and the held-out comments.

    Raises ConfigurationError where `folder` does not hold the files; `models/training/README.md` names them.
    """

    def predict(examples: list[Example]) -> tuple[Array, Array]:
        found = analyzer.analyze([e.text for e in examples])
        sentiment = np.array([[a.sentiment_scores[s] for s in SENTIMENTS] for a in found], np.float32)
        intent = np.array([[a.intent_scores[i] for i in INTENTS] for a in found], np.float32)
        return np.log(np.maximum(sentiment, 1e-9)), np.log(np.maximum(intent, 1e-9))

    held = comments("heldout")
    answered = np.array([INTENTS.index(a.intent) for a in analyzer.analyze([e.text for e in held])])
    try:
        figures = summary(predict, folder)
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename} cannot be read: {error.strerror}. --data names the folder with sentiment-en "
            "and sentiment-multilingual, see models/training/README.md."
        ) from error
    return {
        "model": analyzer.name,
        "hash": analyzer.hash,
        **figures,
        "intent_macro_f1_with_threshold": macro(intents(held), answered, 7)["macro_f1"],
    }
