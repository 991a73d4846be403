"""The three stages on small fakes: what goes where, under which name it is counted."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from schemas import headers, topics
from schemas.errors import InvalidEventError
from schemas.events import (
    Analysis,
    CommentEvent,
    CommentKind,
    Decision,
    Draft,
    DraftedReply,
    DraftOrigin,
    EnrichedComment,
    Platform,
    Source,
)
from schemas.labels import Intent, Sentiment
from schemas.records import Event
from schemas.states import Action, DecidedBy
from streams.duplicates import Duplicates
from streams.stage import BatchProcess, Input, OneProcess, Result, Stage
from streams.stages.decide import decide
from streams.stages.draft import draft
from streams.stages.enrich import enrich

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COMMENT = CommentEvent(
    kind=CommentKind.ADDED,
    tenant_id="t",
    platform=Platform.FACEBOOK,
    account_id="a",
    comment_id="c",
    platform_comment_id="1",
    revision_id="r",
    text="Great!",
    occurred_at=NOW,
    observed_at=NOW,
    source=Source.WEBHOOK,
)
ANALYSIS = Analysis(
    model="toy",
    model_hash="hash",
    sentiment=Sentiment.POSITIVE,
    sentiment_scores={"positive": 1.0},
    intent=Intent.COMPLIMENT,
    intent_scores={"compliment": 1.0},
    language="en",
    language_confidence=0.9,
    unknown_share=0.0,
)
DRAFT = Draft(
    draft_id="d", revision_id="r", text="Thanks!", origin=DraftOrigin.TEMPLATE, language="en", confidence=0.9
)


@dataclass
class Prediction:
    sentiment: Sentiment = Sentiment.POSITIVE
    sentiment_scores: dict[str, float] = field(default_factory=lambda: {"positive": 1.0})
    intent: Intent = Intent.COMPLIMENT
    intent_scores: dict[str, float] = field(default_factory=lambda: {"compliment": 1.0})
    language: str = "en"
    language_confidence: float = 0.9
    unknown_share: float = 0.0
    embedding: npt.NDArray[np.float32] | None = None


class Analyzer:
    name, hash = "toy", "hash"

    def __init__(self, embedding: npt.NDArray[np.float32] | None = None) -> None:
        self.texts: list[str] = []
        self._embedding = embedding

    def analyze(self, texts: Sequence[str]) -> list[Any]:
        self.texts += texts
        return [Prediction(embedding=self._embedding) for _ in texts]


def comment(**changes: Any) -> CommentEvent:
    return dataclasses.replace(COMMENT, **changes)


def given(event: Event, **marks: bytes) -> Input[Any]:
    return Input(event, "c", marks, "t", 0, 0, NOW)


def decision(action: Action, reply: Draft | None) -> Decision:
    return Decision(
        decision_id="x",
        tenant_id="t",
        platform=Platform.FACEBOOK,
        account_id="a",
        comment_id="c",
        revision_id="r",
        platform_comment_id="1",
        thread_id="1",
        action=action,
        decided_by=DecidedBy.MACHINE,
        draft=reply,
        text=reply.text if reply else None,
        policy_version="v",
        rule="rule",
        reason="why",
        priority=1.0,
        received_at=NOW,
        decided_at=NOW,
    )


def policy(_comment: CommentEvent, _analysis: Analysis, reply: Draft | None, _now: datetime) -> Decision:
    return decision(Action.AUTO_APPROVE if reply else Action.REVIEW, reply)


async def batch(stage: Stage, *inputs: Input[Any]) -> list[Result]:
    return list(await cast(BatchProcess, stage.process)(inputs))


async def test_enrich_analyses_wordings_and_passes_everything_else_by() -> None:
    analyzer = Analyzer()
    stage = enrich(analyzer, now=lambda: NOW)
    kinds = [CommentKind.ADDED, CommentKind.REMOVED, CommentKind.EDITED, CommentKind.REPLY_OBSERVED]
    results = await batch(stage, *(given(comment(kind=kind, text=kind.value)) for kind in kinds))
    assert [each.outcome for each in results] == ["enriched", "passed_by", "enriched", "passed_by"]
    assert analyzer.texts == ["added", "edited"]
    (output,) = results[0].outputs
    assert (output.topic, output.key) == (topics.COMMENTS_ENRICHED, "c")
    assert output.event == EnrichedComment(comment=comment(text="added"), analysis=ANALYSIS, enriched_at=NOW)


@pytest.mark.parametrize(("vector", "kept"), [((0.6, -0.8), True), ((), False), (None, False)])
async def test_the_embedding_goes_to_the_draft_stage_and_no_further(
    vector: tuple[float, ...] | None, kept: bool
) -> None:
    found = None if vector is None else np.array(vector, np.float32)
    (result,) = await batch(enrich(Analyzer(found), shadow=Analyzer(found)), given(comment()))
    labelled, shadowed = (cast(EnrichedComment, each.event) for each in result.outputs)
    assert labelled.analysis.embedding == (bytes([95, 256 - 127]) if kept else None)
    assert shadowed.analysis.embedding is None

    async def drafter(_comment: CommentEvent, analysis: Analysis) -> Draft:
        assert analysis.embedding == labelled.analysis.embedding
        return DRAFT

    stage = draft(lambda _comment, _analysis, _now: None, drafter, policy)
    (made,) = (await cast(OneProcess, stage.process)(given(labelled))).outputs
    assert cast(DraftedReply, made.event).analysis.embedding is None


class Failing(Analyzer):
    name, hash = "second", "other"

    def analyze(self, texts: Sequence[str]) -> list[Any]:
        raise RuntimeError("out of memory")


async def test_enrich_gives_a_second_models_answers_to_a_topic_of_their_own() -> None:
    shadow = Analyzer()
    shadow.hash = "other"
    (result,) = await batch(enrich(Analyzer(), shadow=shadow), given(comment()))
    assert [each.topic for each in result.outputs] == [topics.COMMENTS_ENRICHED, topics.COMMENTS_SHADOW]
    hashes = [cast(EnrichedComment, each.event).analysis.model_hash for each in result.outputs]
    assert hashes == ["hash", "other"]


async def test_enrich_goes_on_where_the_second_model_fails() -> None:
    (result,) = await batch(enrich(Analyzer(), shadow=Failing()), given(comment()))
    assert [each.topic for each in result.outputs] == [topics.COMMENTS_ENRICHED]


async def test_enrich_takes_a_comment_without_text_as_an_empty_one() -> None:
    analyzer = Analyzer()
    (result,) = await batch(enrich(analyzer), given(comment(text=None)))
    assert result.outcome == "enriched"
    assert analyzer.texts == [""]


async def test_enrich_cannot_go_on_without_a_revision() -> None:
    (result,) = await batch(enrich(Analyzer()), given(comment(revision_id=None)))
    assert isinstance(result.dead, InvalidEventError)


async def test_enrich_stops_duplicates_before_the_model_but_not_what_is_fed_in_again() -> None:
    analyzer = Analyzer()
    stage = enrich(analyzer, duplicates=Duplicates())
    assert stage.acknowledged is not None
    first = given(COMMENT)
    assert [each.outcome for each in await batch(stage, first)] == ["enriched"]
    assert [each.outcome for each in await batch(stage, first)] == ["enriched"], "not acknowledged yet"
    stage.acknowledged([first])
    replayed = given(COMMENT, **{headers.REPLAY: headers.REPLAY_MARK})
    swept = given(comment(source=Source.SWEEP))
    results = await batch(stage, first, replayed, swept, given(comment(revision_id="other")))
    assert [each.outcome for each in results] == ["duplicate", "enriched", "enriched", "enriched"]
    assert results[0].outputs == ()


async def test_enrich_analyses_a_wording_once_that_comes_twice_in_a_batch() -> None:
    analyzer = Analyzer()
    stage = enrich(analyzer, duplicates=Duplicates())
    replayed = given(COMMENT, **{headers.REPLAY: headers.REPLAY_MARK})
    results = await batch(stage, replayed, given(COMMENT), given(COMMENT))
    assert [each.outcome for each in results] == ["enriched", "enriched", "duplicate"], (
        "what is fed in again says nothing of what comes by itself"
    )
    assert len(analyzer.texts) == 2


async def one(stage: Stage, event: Event) -> Result:
    return await cast(OneProcess, stage.process)(given(event))


ENRICHED = EnrichedComment(comment=COMMENT, analysis=ANALYSIS, enriched_at=NOW)


def draft_stage(triaged: Decision | None, made: Draft | None, asked: list[str]) -> Stage:
    async def drafter(_comment: CommentEvent, _analysis: Analysis) -> Draft | None:
        asked.append("draft")
        return made

    return draft(lambda *_: triaged, drafter, policy, now=lambda: NOW)


async def test_triage_decides_before_any_draft_is_made() -> None:
    asked: list[str] = []
    ruled = decision(Action.NO_REPLY, None)
    result = await one(draft_stage(ruled, DRAFT, asked), ENRICHED)
    assert result.outcome == "no_reply"
    assert [(each.topic, each.key, each.event) for each in result.outputs] == [
        (topics.REPLIES_DECIDED, "c", ruled)
    ]
    assert asked == []


async def test_a_draft_goes_to_the_policy() -> None:
    result = await one(draft_stage(None, DRAFT, []), ENRICHED)
    drafted = DraftedReply(comment=COMMENT, analysis=ANALYSIS, draft=DRAFT, drafted_at=NOW)
    assert result.outcome == "drafted"
    assert [(each.topic, each.key, each.event) for each in result.outputs] == [
        (topics.REPLIES_DRAFTED, "c", drafted)
    ]


async def test_a_replayed_comment_keeps_its_draft_and_a_new_one_gets_a_new_one() -> None:
    asked: list[str] = []
    old = dataclasses.replace(DRAFT, text="as it was")

    async def drafter(_comment: CommentEvent, _analysis: Analysis) -> Draft | None:
        asked.append("draft")
        return DRAFT

    async def earlier(_comment: CommentEvent) -> Draft | None:
        return old

    stage = draft(lambda *_: None, drafter, policy, earlier=earlier, now=lambda: NOW)
    process = cast(OneProcess, stage.process)
    replayed = await process(given(ENRICHED, **{headers.REPLAY: headers.REPLAY_MARK}))
    assert [each.event.draft for each in replayed.outputs if isinstance(each.event, DraftedReply)] == [old]
    assert asked == []
    fresh = await process(given(ENRICHED))
    assert [each.event.draft for each in fresh.outputs if isinstance(each.event, DraftedReply)] == [DRAFT]


async def test_where_nothing_fits_the_policy_decides_without_a_draft() -> None:
    result = await one(draft_stage(None, None, []), ENRICHED)
    assert result.outcome == "review"
    assert [each.topic for each in result.outputs] == [topics.REPLIES_DECIDED]


async def test_decide_sends_what_the_policy_says() -> None:
    drafted = DraftedReply(comment=COMMENT, analysis=ANALYSIS, draft=DRAFT, drafted_at=NOW)
    (result,) = await batch(decide(policy, now=lambda: NOW), given(drafted))
    assert result.outcome == "auto_approve"
    assert [(each.topic, each.key) for each in result.outputs] == [(topics.REPLIES_DECIDED, "c")]
    assert cast(Decision, result.outputs[0].event).text == "Thanks!"
