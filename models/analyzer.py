"""From comments to labels: the one way in for the pipeline, the command line and the benchmarks."""

import hashlib
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from models.language import UNDETERMINED, Languages
from models.normalise import normalise
from models.registry import SHIPPED, WEIGHTS, Manifest, read_manifest
from models.session import Array, Session
from schemas.labels import Intent, Sentiment

DEFAULT_MODEL: Path = WEIGHTS / SHIPPED
"""The folder of the shipped model."""

CACHE_TEXTS = 4_096
"""Distinct texts whose analysis is kept, some 2 kB each: "Precio?" comes a thousand times a day."""

AT_ONCE = 2_048
"""Texts that are labelled in one go where there are many: the more, the better lengths fit together."""

_AHEAD = 2

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
    """Labels texts with one model; safe to call from several threads.

    A model with one head only (see `models.exporting`) is completed by the shipped one, which then also gives
    embedding and unknown share; both names and a hash over both are then the analyzer's.
    """

    def __init__(
        self, sessions: Sequence[tuple[Manifest, Session]], languages: Languages, cache_texts: int
    ) -> None:
        """`sessions`: the models; of two that have the same head the last one's answer counts."""
        self._sessions, self._languages = tuple(sessions), languages
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
        manifests = [manifest] if manifest.complete else [read_manifest(DEFAULT_MODEL), manifest]
        return cls([(each, Session(each, threads)) for each in manifests], Languages(), cache_texts)

    @property
    def name(self) -> str:
        """The model's name, from its manifest; "shipped+other" for a model that answers one task."""
        return "+".join(manifest.name for manifest, _ in self._sessions)

    @property
    def hash(self) -> str:
        """The sha256 of the ONNX file in hex, of two the sha256 of both: stored with every label."""
        hashes = [manifest.hash for manifest, _ in self._sessions]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()

    def stream(self, texts: Iterable[str], *, at_once: int = AT_ONCE) -> Iterator[tuple[str, TextAnalysis]]:
        """Give each text with its analysis, in order, for as many texts as there are.

        While one part is with the model the next is cleaned and the one before is used by the caller.
        """
        rest = iter(texts)
        with ThreadPoolExecutor(_AHEAD, "part") as pool:
            under_way: deque[tuple[list[str], Future[list[TextAnalysis]]]] = deque()
            while True:
                while len(under_way) < _AHEAD and (part := list(islice(rest, at_once))):
                    under_way.append((part, pool.submit(self.analyze, part)))
                if not under_way:
                    return
                part, found = under_way.popleft()
                yield from zip(part, found.result(), strict=True)

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
        moods = wants = embedding = np.zeros((len(texts), 0), np.float32)
        unknown, threshold = np.zeros(len(texts), np.float32), 0.0
        for manifest, session in self._sessions:
            scores = session.run(texts)
            if manifest.complete:
                embedding, unknown = scores.embedding, scores.unknown
            if (logits := scores.logits.get("intent")) is not None:
                columns, threshold = manifest.labels["intent"], manifest.intent_threshold
                wants = _softmax(_by_label(logits, columns, _INTENT_NAMES) / manifest.intent_temperature)
            if (logits := scores.logits.get("sentiment")) is not None:
                heat = manifest.sentiment_temperature * np.exp(-manifest.sentiment_surer * wants.max(axis=1))
                columns = manifest.labels["sentiment"]
                moods = _softmax(_by_label(logits, columns, _SENTIMENT_NAMES) / heat[:, None])
        sure = wants.max(axis=1) >= threshold
        rows = zip(
            texts,
            languages.result(),
            moods.argmax(axis=1).tolist(),
            moods.tolist(),
            np.where(sure, wants.argmax(axis=1), _INTENTS.index(Intent.OTHER)).tolist(),
            wants.tolist(),
            unknown.tolist(),
            embedding,
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
                unknown_share=unread,
                embedding=vector.copy(),
            )
            if text
            else _nothing()
            for text, (language, confidence), mood, mood_scores, want, want_scores, unread, vector in rows
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


def _by_label(logits: Array, columns: Sequence[str], names: Sequence[str]) -> Array:
    """(n, names) from (n, columns); a label that no column stands for is out of the question."""
    if tuple(columns) == tuple(names):
        return logits
    found = np.full((len(logits), len(names)), -1e4, np.float32)
    for column, label in enumerate(columns):
        place = names.index(label)
        found[:, place] = np.logaddexp(found[:, place], logits[:, column])
    return found


def _softmax(logits: Array) -> Array:
    """Row-wise softmax of (n, classes)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
