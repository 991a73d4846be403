"""The figures a model is judged by, from its scores alone: macro recall and F1, calibration, emoji rules.

Needs numpy only, so that the shipped model is measured in the environment that it runs in.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.training import data
from models.training.data import INTENTS, SENTIMENTS, Example
from schemas.labels import Sentiment

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Predict = Callable[[list[Example]], tuple[Array, Array]]
"""Gives both heads' logits, (n, 3) and (n, 7), for n examples."""

NEVER_POSITIVE = ["😡", "🤮", "👎", "🤬", "😠", "🤢", "💩", "😤"]
NEVER_NEGATIVE = ["😍", "👍", "❤️", "🥰", "👏", "😊"]
COMPANY = (
    "", "hola", "gracias a todos", "la entrega llega hoy", "¿a qué hora abren?", "bom dia",
    "o pedido de ontem", "que horas abre?", "bonjour à tous", "le colis est là", "guten morgen",
    "die neue filiale", "wann macht ihr auf?", "buongiorno", "il pacco di oggi", "hello",
    "my order from monday", "what time do you open?", "@user", "@user @user",
)  # fmt: skip
"""Words beside which the emoji rules are checked, the empty ones first."""


def macro(true: Labels, predicted: Labels, classes: int) -> dict[str, float]:
    """Macro recall and macro F1 over those of the `classes` that occur in `true`."""
    recalls, scores = [], []
    for c in range(classes):
        hit = int(((true == c) & (predicted == c)).sum())
        there, said = int((true == c).sum()), int((predicted == c).sum())
        if there:
            recalls.append(hit / there)
            scores.append(2 * hit / (there + said))
    return {"macro_recall": round(float(np.mean(recalls)), 4), "macro_f1": round(float(np.mean(scores)), 4)}


def by_class(true: Labels, predicted: Labels, names: list[str]) -> dict[str, float]:
    """F1 of each class by its name."""
    return {
        name: round(
            2
            * int(((true == c) & (predicted == c)).sum())
            / max(1, int((true == c).sum() + (predicted == c).sum())),
            4,
        )
        for c, name in enumerate(names)
    }


def calibration_error(logits: Array, true: Labels, bins: int = 15) -> float:
    """Expected calibration error of the top class in `bins` bins of equal width (Guo et al. 2017)."""
    scores = softmax(logits)
    top, right = scores.max(1), scores.argmax(1) == true
    which = np.minimum((top * bins).astype(int), bins - 1)
    gaps = [
        abs(top[which == b].mean() - right[which == b].mean()) * (which == b).mean() for b in np.unique(which)
    ]
    return round(float(sum(gaps)), 4)


def softmax(logits: Array) -> Array:
    """Row-wise softmax of (n, classes)."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), dtype=np.float32)


def moods(examples: list[Example]) -> Labels:
    """Sentiment labels as places in `SENTIMENTS`, -1 for none."""
    return np.array([SENTIMENTS.index(e.sentiment) if e.sentiment else -1 for e in examples])


def intents(examples: list[Example]) -> Labels:
    """Intent labels as places in `INTENTS`, -1 for none."""
    return np.array([INTENTS.index(e.intent) if e.intent else -1 for e in examples])


def _mixed(sets: list[tuple[Array, Labels]]) -> float:
    """Calibration error over an equal mix: each set gives as many texts as the largest has, in turn."""
    most = max(len(true) for _, true in sets)
    rows = [(logits, true, np.arange(most) % len(true)) for logits, true in sets]
    mixed = np.concatenate([logits[take] for logits, _, take in rows])
    return calibration_error(mixed, np.concatenate([true[take] for _, true, take in rows]))


def summary(predict: Predict, folder: Path) -> dict[str, object]:
    """Figures on the validation files in `folder` and the project's own held-out comments."""
    english, several = data.english_sentiment(folder, "val"), data.multilingual_sentiment(folder, "val")
    held = data.comments("heldout")
    signs = [
        Example(f"{c} {s}".strip(), "", "", mood)
        for mood, group in ((Sentiment.NEGATIVE, NEVER_POSITIVE), (Sentiment.POSITIVE, NEVER_NEGATIVE))
        for s in group
        for c in COMPANY
    ]
    sentiment, intent = predict(english + several + held + signs)
    cuts = np.cumsum([len(english), len(several), len(held)])
    s_english, s_several, s_held, s_signs = np.split(sentiment, cuts)
    i_held = np.split(intent, cuts)[2]
    truth, codes = moods(several), np.array([e.language for e in several])
    languages = {
        code: macro(truth[codes == code], s_several[codes == code].argmax(1), 3)["macro_f1"]
        for code in ("es", "pt", "fr", "de", "it", "en", "ar", "hi")
    }
    wanted, spoken = intents(held), np.array([e.language for e in held])
    said, opposite = s_signs.argmax(1), 2 - moods(signs)
    return {
        "english_macro_recall": macro(moods(english), s_english.argmax(1), 3)["macro_recall"],
        "five_languages_macro_f1": round(
            float(np.mean([languages[c] for c in ("es", "pt", "fr", "de", "it")])), 4
        ),
        "sentiment_by_language": languages,
        "intent_macro_f1": macro(wanted, i_held.argmax(1), 7)["macro_f1"],
        "intent_by_class": by_class(wanted, i_held.argmax(1), list(map(str, INTENTS))),
        "intent_by_language": {
            str(code): macro(wanted[spoken == code], i_held[spoken == code].argmax(1), 7)["macro_f1"]
            for code in np.unique(spoken)
        },
        "comments_sentiment_macro_f1": macro(moods(held), s_held.argmax(1), 3)["macro_f1"],
        "calibration_error": {
            "sentiment": _mixed([(s_english, moods(english)), (s_several, truth), (s_held, moods(held))]),
            "sentiment_english": calibration_error(s_english, moods(english)),
            "sentiment_languages": calibration_error(s_several, truth),
            "sentiment_comments": calibration_error(s_held, moods(held)),
            "intent": calibration_error(i_held, wanted),
        },
        "emoji_rules_broken": [
            f"{e.text} is {SENTIMENTS[s]}" for e, s, o in zip(signs, said, opposite, strict=True) if s == o
        ],
        "emoji_rules_checked": len(signs),
    }
