"""Stage `enrich`: what the models say of each new wording of a comment.

    comments.raw (added, edited) ──> comments.enriched
                                 ──> comments.shadow, where a second model is given

Removals, hides and observed replies need no analysis: they are passed by, the sinks read them themselves.
Repeated deliveries of one wording are stopped before the model if a `Duplicates` is given.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from typing import Protocol

import numpy as np
import numpy.typing as npt

from infra import logs
from replies.similarity import packed
from schemas import topics
from schemas.errors import InvalidEventError
from schemas.events import Analysis, CommentEvent, EnrichedComment, Source, utc_now
from schemas.labels import Intent, Sentiment
from streams.duplicates import Duplicates
from streams.stage import Batches, Input, Output, Result, Stage

log = logs.get(__name__)


class Prediction(Protocol):
    """What a model says of one text: probabilities by label, and a unit vector where it makes one."""

    @property
    def sentiment(self) -> Sentiment: ...  # noqa: D102
    @property
    def sentiment_scores(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def intent(self) -> Intent: ...  # noqa: D102
    @property
    def intent_scores(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def language(self) -> str: ...  # noqa: D102
    @property
    def language_confidence(self) -> float: ...  # noqa: D102
    @property
    def unknown_share(self) -> float: ...  # noqa: D102
    @property
    def embedding(self) -> npt.NDArray[np.float32] | None: ...  # noqa: D102


class Analyzer(Protocol):
    """The models, loaded. `analyze` is called in a thread, one call at a time."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def hash(self) -> str:
        """Hash of the model's files."""

    def analyze(self, texts: Sequence[str]) -> Sequence[Prediction]:
        """One prediction for each text, in order; an empty text is a text."""


def enrich(
    analyzer: Analyzer,
    *,
    shape: Batches | None = None,
    duplicates: Duplicates | None = None,
    shadow: Analyzer | None = None,
    reads: tuple[topics.Topic, ...] = (topics.COMMENTS_RAW,),
    now: Callable[[], datetime] = utc_now,
) -> Stage:
    """The stage; `reads` may add `comments.backfill`.

    `shadow` says what it would have said of the same texts; that is stored and changes nothing. Where it
    fails, its answers are missing and the comments go on.
    """

    async def process(inputs: Sequence[Input[CommentEvent]]) -> list[Result]:
        known = await duplicates.known(_expected_once(inputs)) if duplicates else frozenset()
        results: dict[int, Result] = {}
        wanted: list[int] = []
        seen = set(known)
        for index, each in enumerate(inputs):
            comment = each.event
            if not comment.kind.has_wording:
                results[index] = Result(outcome="passed_by")
            elif comment.revision_id is None:
                results[index] = Result(
                    dead=InvalidEventError(f"comment {comment.comment_id} has no revision_id")
                )
            elif _again(each):
                wanted.append(index)
            elif comment.revision_id in seen:
                results[index] = Result(outcome="duplicate")
            else:
                wanted.append(index)
                if duplicates:
                    seen.add(comment.revision_id)
        if wanted:
            texts = [inputs[index].event.text or "" for index in wanted]
            predictions = await asyncio.to_thread(analyzer.analyze, texts)
            others = await asyncio.to_thread(_beside, shadow, texts) if shadow else ()
            at = now()
            for index, prediction, other in zip_longest(wanted, predictions, others):
                comment = inputs[index].event
                analysis = replace(_analysis(analyzer, prediction), embedding=_embedding(prediction))
                outputs = [_output(topics.COMMENTS_ENRICHED, comment, analysis, at)]
                if shadow and other is not None:
                    outputs.append(_output(topics.COMMENTS_SHADOW, comment, _analysis(shadow, other), at))
                results[index] = Result(tuple(outputs), outcome="enriched")
        return [results[index] for index in range(len(inputs))]

    def acknowledged(inputs: Sequence[Input[CommentEvent]]) -> None:
        if duplicates:
            duplicates.remember(each.event.revision_id for each in inputs if each.event.kind.has_wording)

    return Stage(
        name="enrich", reads=reads, process=process, shape=shape or Batches(), acknowledged=acknowledged
    )


def _beside(shadow: Analyzer, texts: Sequence[str]) -> Sequence[Prediction]:
    """What the second model says; nothing where it fails, for it must not hold anything up."""
    try:
        return shadow.analyze(texts)
    except Exception as error:  # noqa: BLE001 - whatever fails in it, the first model's answers count
        log.error("the shadow model failed", model=shadow.name, error=f"{type(error).__name__}: {error}")
        return ()


def _output(topic: topics.Topic, comment: CommentEvent, analysis: Analysis, at: datetime) -> Output:
    return Output(
        topic, comment.comment_id, EnrichedComment(comment=comment, analysis=analysis, enriched_at=at)
    )


def _again(each: Input[CommentEvent]) -> bool:
    """True if the record was fed in again on purpose, so that being known is no reason to stop it."""
    return each.replay or each.event.source is Source.SWEEP


def _expected_once(inputs: Sequence[Input[CommentEvent]]) -> list[str]:
    return [each.event.revision_id for each in inputs if each.event.revision_id and not _again(each)]


def _analysis(analyzer: Analyzer, found: Prediction) -> Analysis:
    return Analysis(
        model=analyzer.name,
        model_hash=analyzer.hash,
        sentiment=found.sentiment,
        sentiment_scores=dict(found.sentiment_scores),
        intent=found.intent,
        intent_scores=dict(found.intent_scores),
        language=found.language,
        language_confidence=found.language_confidence,
        unknown_share=found.unknown_share,
    )


def _embedding(found: Prediction) -> bytes | None:
    """Packed; None for a text without content, and from a model that makes none."""
    vector = found.embedding
    return packed(vector) if vector is not None and vector.any() else None
