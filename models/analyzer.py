"""From comments to labels: the one way in for the pipeline, the command line and the benchmarks."""

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from models.language import UNDETERMINED, Languages
from models.normalise import normalise
from models.registry import WEIGHTS, Manifest, read_manifest
from models.session import Session
from schemas.labels import Intent, Sentiment

DEFAULT_MODEL: Path = WEIGHTS / "parley-e5-s"
"""The folder of the shipped model."""

CACHE_TEXTS = 4_096
"""Distinct texts whose analysis is kept, some 2 kB each: "Precio?" comes a thousand times a day."""

_SENTIMENTS, _INTENTS = list(Sentiment), list(Intent)
_SENTIMENT_NAMES, _INTENT_NAMES = [str(s) for s in Sentiment], [str(i) for i in Intent]


@dataclass(frozen=True, slots=True)
class TextAnalysis:
    """What is known of one text.

    Scores are calibrated probabilities by label and sum to 1. `intent` is the likeliest, or `other` where
    that one's score is below the model's threshold. `language` is an ISO 639-1 code or "und".
    `unknown_share` is the share of the text's characters that the model cannot read: above a half its labels
    mean little.
    `embedding` is a unit vector (384,), None for a text without content.
    """

    sentiment: Sentiment
    sentiment_scores: dict[str, float]
    intent: Intent
    intent_scores: dict[str, float]
    language: str
    language_confidence: float
    unknown_share: float
    embedding: npt.NDArray[np.float32] | None


class Analyzer:
    """Labels texts with one model; safe to call from several threads."""

    def __init__(self, manifest: Manifest, session: Session, languages: Languages, cache_texts: int) -> None:
        self._manifest, self._session, self._languages = manifest, session, languages
        self._cache: OrderedDict[str, TextAnalysis] = OrderedDict()
        self._cache_texts = cache_texts
        self._lock = Lock()
        self._aside = ThreadPoolExecutor(1, "language")

    @classmethod
    def load(
        cls, folder: Path = DEFAULT_MODEL, *, threads: int | None = None, cache_texts: int = CACHE_TEXTS
    ) -> "Analyzer":
        """Verify and load the model in `folder`.

        `threads` is the number of batches that run at once, as many as there are cores where not given;
        `cache_texts` 0 switches the cache off. Raises `models.registry.ModelError`.
        """
        manifest = read_manifest(folder)
        return cls(manifest, Session(manifest, threads), Languages(), cache_texts)

    @property
    def name(self) -> str:
        """The model's name, from its manifest."""
        return self._manifest.name

    @property
    def hash(self) -> str:
        """The sha256 of the ONNX file in hex: stored with every label that this model gave."""
        return self._manifest.hash

    def analyze(self, texts: Sequence[str]) -> list[TextAnalysis]:
        """Give one analysis for each text, in order; any string has one, and none raises.

        Long calls use the cores best: a few hundred texts at a time.
        """
        cleaned = [normalise(text) for text in texts]
        known: dict[str, TextAnalysis] = {}
        with self._lock:
            for text in set(cleaned):
                if (hit := self._cache.get(text)) is not None:
                    self._cache.move_to_end(text)
                    known[text] = hit
        missing = [text for text in dict.fromkeys(cleaned) if text not in known]
        if missing:
            fresh = dict(zip(missing, self._fresh(missing), strict=True))
            known |= fresh
            with self._lock:
                self._cache |= fresh
                while len(self._cache) > self._cache_texts:
                    self._cache.popitem(last=False)
        return [known[text] for text in cleaned]

    def _fresh(self, texts: list[str]) -> list[TextAnalysis]:
        languages = self._aside.submit(self._languages.detect, texts)
        scores = self._session.run(texts)
        manifest = self._manifest
        moods = _softmax(scores.sentiment / manifest.sentiment_temperature)
        wants = _softmax(scores.intent / manifest.intent_temperature)
        sure = wants.max(axis=1) >= manifest.intent_threshold
        rows = zip(
            texts,
            languages.result(),
            moods.argmax(axis=1).tolist(),
            moods.tolist(),
            np.where(sure, wants.argmax(axis=1), _INTENTS.index(Intent.OTHER)).tolist(),
            wants.tolist(),
            scores.unknown.tolist(),
            scores.embedding,
            strict=True,
        )
        return [
            TextAnalysis(
                sentiment=_SENTIMENTS[mood],
                sentiment_scores=dict(zip(_SENTIMENT_NAMES, mood_scores, strict=True)),
                intent=_INTENTS[want],
                intent_scores=dict(zip(_INTENT_NAMES, want_scores, strict=True)),
                language=language,
                language_confidence=confidence,
                unknown_share=unknown,
                embedding=embedding.copy(),
            )
            if text
            else _nothing()
            for text, (language, confidence), mood, mood_scores, want, want_scores, unknown, embedding in rows
        ]


def _nothing() -> TextAnalysis:
    """A text with nothing to read, such as white space: neutral, other, in no language."""
    return TextAnalysis(
        sentiment=Sentiment.NEUTRAL,
        sentiment_scores={str(s): float(s is Sentiment.NEUTRAL) for s in _SENTIMENTS},
        intent=Intent.OTHER,
        intent_scores={str(i): float(i is Intent.OTHER) for i in _INTENTS},
        language=UNDETERMINED,
        language_confidence=0.0,
        unknown_share=0.0,
        embedding=None,
    )


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Row-wise softmax of (n, classes)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
