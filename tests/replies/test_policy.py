"""What holds for every comment, whatever is written in it and whatever the models say."""

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from replies import policy as rules
from replies import selection, shipped, wording
from replies.account import AccountView, Mode
from replies.policy import Policy, decide, triage
from replies.verdict import revision_of
from schemas import codec
from schemas.events import Analysis, Attachment, CommentEvent, Decision, Draft, DraftOrigin, Platform
from schemas.labels import Intent, Sentiment
from schemas.states import Action, DecidedBy

POLICY = shipped.default_policy()
BOOK = shipped.default_book()
WRITTEN = yaml.safe_load(shipped.policy_text())
RISKY = [
    (language, phrase.replace("*", ""))
    for group in POLICY.document.risk_groups
    for language, phrases in POLICY.document.words[group].items()
    for phrase in phrases
]

texts = st.one_of(
    st.none(),
    st.text(max_size=60),
    st.text(alphabet=st.characters(), max_size=60),
    st.sampled_from(
        ["thank you!", "❤️", "🤮", "do you open on Sunday?", "great but slow", "@ana", "Gracias 😍"]
    ),
)
scores = st.one_of(st.floats(0, 1), st.floats(), st.sampled_from([0.0, 0.3, 0.6, 0.95, 1.0]))


@st.composite
def analyses(draw: st.DrawFn, /, **fixed: Any) -> Analysis:
    values: dict[str, Any] = {
        "model": "m",
        "model_hash": "h",
        "sentiment": draw(st.sampled_from(Sentiment)),
        "sentiment_scores": draw(st.dictionaries(st.sampled_from(list(Sentiment)), scores)),
        "intent": draw(st.sampled_from(Intent)),
        "intent_scores": draw(st.dictionaries(st.sampled_from(list(Intent)), scores)),
        "language": draw(st.sampled_from(["en", "es", "pt", "fr", "de", "it", "und", "ru", ""])),
        "language_confidence": draw(scores),
        "unknown_share": draw(scores),
    }
    return Analysis(**{**values, **fixed})


@st.composite
def favourable(draw: st.DrawFn, /, **fixed: Any) -> Analysis:
    """An analysis that would send, but for what is fixed."""
    values: dict[str, Any] = {
        "model": "m",
        "model_hash": "h",
        "sentiment": draw(st.sampled_from([Sentiment.POSITIVE, Sentiment.NEUTRAL])),
        "sentiment_scores": {"positive": 0.9, "neutral": 0.08, "negative": 0.02},
        "intent": draw(
            st.sampled_from([Intent.QUESTION, Intent.COMPLIMENT, Intent.REQUEST, Intent.FEEDBACK])
        ),
        "intent_scores": dict.fromkeys(Intent, 0.95),
        "language": draw(st.sampled_from(["en", "es", "pt", "fr", "de", "it"])),
        "language_confidence": 0.95,
        "unknown_share": 0.0,
    }
    return Analysis(**{**values, **fixed})


def decided(said: CommentEvent, meant: Analysis, at: AccountView, now: datetime) -> Decision:
    return decide(POLICY, said, meant, selection.draft(said, meant, BOOK, at), at, now)


@pytest.fixture(scope="session")
def sends(
    comment: Callable[..., CommentEvent], account: Callable[..., AccountView], now: datetime
) -> Callable[..., bool]:
    def sends(text: str | None, meant: Analysis, **changes: Any) -> bool:
        at = account(**changes)
        return decided(comment(text), meant, at, now).action.sends

    return sends


@given(meant=favourable())
def test_a_kind_comment_goes_out(meant: Analysis, sends: Callable[..., bool]) -> None:
    assert sends("Thank you, see you tomorrow", meant)


@given(text=texts, meant=analyses(sentiment=Sentiment.NEGATIVE))
def test_a_negative_comment_never_goes_out(
    text: str | None, meant: Analysis, sends: Callable[..., bool]
) -> None:
    assert not sends(text, meant)


@given(
    text=texts, meant=st.one_of(analyses(), favourable()), mode=st.sampled_from([Mode.OBSERVE, Mode.REVIEW])
)
def test_nothing_goes_out_unless_the_mode_is_auto(
    text: str | None, meant: Analysis, mode: Mode, sends: Callable[..., bool]
) -> None:
    assert not sends(text, meant, mode=mode)


@given(
    before=st.text(max_size=30), risky=st.sampled_from(RISKY), after=st.text(max_size=30), meant=favourable()
)
def test_nothing_with_a_risk_word_goes_out(
    before: str, risky: tuple[str, str], after: str, meant: Analysis, sends: Callable[..., bool]
) -> None:
    assert not sends(f"{before} {risky[1]} {after}", meant)


@pytest.mark.parametrize("language", POLICY.document.languages)
def test_every_risk_word_escalates_in_capitals_too(
    language: str,
    comment: Callable[..., CommentEvent],
    analysis: Callable[..., Analysis],
    account: Callable[..., AccountView],
    now: datetime,
) -> None:
    meant, at = analysis("compliment", "positive", language), account()
    for phrase in (phrase for spoken, phrase in RISKY if spoken == language):
        decision = triage(POLICY, comment(f"hey, {phrase.upper()}!"), meant, at, now)
        assert decision
        assert decision.action is Action.ESCALATE


@given(
    text=st.text(alphabet="abc def", min_size=1),
    meant=st.sampled_from(["und", "ja", "ru", "", "EN"]).flatmap(lambda code: favourable(language=code)),
)
def test_nothing_in_an_unknown_language_goes_out(
    text: str, meant: Analysis, sends: Callable[..., bool]
) -> None:
    assert not sends(f"x {text}", meant)


@given(text=texts, meant=favourable(sentiment_scores={}))
def test_nothing_without_a_score_of_its_mood_goes_out(
    text: str | None, meant: Analysis, sends: Callable[..., bool]
) -> None:
    assert not sends(text, meant)


@given(score=st.floats(max_value=0.54), meant=favourable())
def test_nothing_goes_out_below_the_threshold(
    score: float, meant: Analysis, sends: Callable[..., bool]
) -> None:
    doubtful = Analysis(
        **{
            **{name: getattr(meant, name) for name in Analysis.__slots__},
            "intent_scores": {meant.intent: score},
        }
    )
    assert not sends("Thank you, see you tomorrow", doubtful)


@given(score=st.sampled_from([float("nan"), float("inf"), -1.0, 2.0]), meant=favourable())
def test_scores_that_are_no_probabilities_count_as_unsure(
    score: float, meant: Analysis, sends: Callable[..., bool]
) -> None:
    values = {name: getattr(meant, name) for name in Analysis.__slots__}
    assert not sends("Thank you", Analysis(**{**values, "intent_scores": {meant.intent: score}}))
    assert not sends("Thank you", Analysis(**{**values, "sentiment_scores": {"negative": score}}))
    assert not sends("Thank you", Analysis(**{**values, "unknown_share": score}))


@settings(max_examples=200)
@given(
    text=texts,
    meant=st.one_of(analyses(), favourable()),
    mode=st.sampled_from(Mode),
    platform=st.sampled_from(Platform),
    age=st.timedeltas(timedelta(days=-2), timedelta(days=4000)),
    name=st.one_of(st.none(), st.text(max_size=30)),
    kinds=st.lists(st.sampled_from(["photo", "sticker", ""]), max_size=2),
    hidden=st.sampled_from([None, True, False]),
)
def test_every_comment_gets_one_decision_that_can_be_written_and_is_always_the_same(
    comment: Callable[..., CommentEvent], account: Callable[..., AccountView], now: datetime, **facts: Any
) -> None:
    at = account(platform=facts["platform"], mode=facts["mode"])
    said = comment(
        facts["text"],
        platform=facts["platform"],
        created_at=now - facts["age"],
        author_name=facts["name"],
        attachments=tuple(Attachment(kind=kind) for kind in facts["kinds"]),
        is_hidden=facts["hidden"],
    )
    early = triage(POLICY, said, facts["meant"], at, now)
    decision = decided(said, facts["meant"], at, now)

    assert decision == decided(said, facts["meant"], at, now)
    assert decision.rule != rules.POLICY_ERROR
    assert decision.reason
    assert decision.decided_by is DecidedBy.MACHINE
    assert decision.action in (
        *(Action.AUTO_APPROVE, Action.REVIEW, Action.ESCALATE, Action.NO_REPLY, Action.NOT_ALLOWED),
    )
    assert decision.policy_version == POLICY.version
    if early:
        assert (early.action, early.rule) == (decision.action, decision.rule)
    assert (decision.text is not None) == decision.action.sends
    assert bool(decision.draft and decision.draft.text == decision.text) >= decision.action.sends
    codec.load().encode(decision)


@given(text=st.text(alphabet=st.characters(), max_size=50), length=st.integers(1001, 200_000))
@settings(max_examples=15)
def test_a_long_text_waits_for_a_person(
    text: str, length: int, sends: Callable[..., bool], analysis: Callable[..., Analysis]
) -> None:
    said = (text + "nice ") * (length // (len(text) + 5) + 1)
    # Control characters are no part of what is counted.
    assert wording.read(said).length <= 1000 or not sends(said, analysis())


class TestTheFloor:
    """A policy that approves everything still cannot."""

    @pytest.fixture
    def careless(self) -> Policy:
        document = copy.deepcopy(WRITTEN)
        everything = {"intent": list(map(str, Intent)), "sentiment": list(map(str, Sentiment))}
        document["triage"] = []
        document["decide"] = [
            {"rule": "yes", "when": everything, "then": "auto_approve", "reason": "why not"}
        ]
        return Policy.from_data(document)

    @pytest.fixture
    def ask(
        self,
        careless: Policy,
        comment: Callable[..., CommentEvent],
        analysis: Callable[..., Analysis],
        account: Callable[..., AccountView],
        now: datetime,
    ) -> Callable[..., Decision]:
        def ask(
            text: str = "Thank you",
            *,
            reply: str | None = "Thanks!",
            language: str = "en",
            revision: str | None = None,
            recent: tuple[str, ...] = (),
            **changes: Any,
        ) -> Decision:
            said, at = comment(text), account(**changes)
            made = reply and Draft(
                draft_id="d",
                revision_id=revision or revision_of(said),
                text=reply,
                origin=DraftOrigin.LANGUAGE_MODEL,
                language="en",
                confidence=1.0,
            )
            meant = analysis(language=language)
            return decide(careless, said, meant, made or None, at, now, recent=recent)

        return ask

    def test_it_lets_a_good_draft_pass(self, ask: Callable[..., Decision]) -> None:
        assert ask().action is Action.AUTO_APPROVE

    def test_a_risk_word_escalates(self, ask: Callable[..., Decision]) -> None:
        decision = ask("my lawyer")
        assert (decision.action, decision.rule) == (Action.ESCALATE, "floor:risk")

    @pytest.mark.parametrize(
        ("changes", "rule"),
        [
            ({"mode": Mode.REVIEW}, "floor:mode"),
            ({"mode": Mode.OBSERVE}, "floor:mode"),
            ({"may_reply": False}, "floor:not_allowed"),
            ({"language": "ru"}, "floor:language"),
            ({"reply": None}, "floor:no_draft"),
            ({"revision": "another"}, "floor:revision"),
            ({"reply": "See https://x.example"}, "guardrail:link"),
            ({"reply": "   "}, "guardrail:empty"),
            ({"reply": "a" * 8001}, "guardrail:too_long"),
            ({"language": "es"}, "guardrail:language"),
            ({"recent": ("thanks!",)}, "guardrail:repeated"),
        ],
    )
    def test_it_holds_back(self, ask: Callable[..., Decision], changes: dict[str, Any], rule: str) -> None:
        decision = ask(**changes)
        assert (decision.action, decision.rule) == (Action.REVIEW, rule)
        assert decision.text is None


def test_what_no_rule_knows_goes_to_a_person(
    comment: Callable[..., CommentEvent],
    analysis: Callable[..., Analysis],
    account: Callable[..., AccountView],
    now: datetime,
) -> None:
    document = copy.deepcopy(WRITTEN)
    document["triage"], document["decide"] = [], []
    empty = Policy.from_data(document)
    assert triage(empty, comment(), analysis(), account(), now) is None
    assert decide(empty, comment(), analysis(), None, account(), now).rule == rules.NO_RULE


def test_whatever_fails_inside_goes_to_a_person(
    comment: Callable[..., CommentEvent],
    analysis: Callable[..., Analysis],
    account: Callable[..., AccountView],
    now: datetime,
) -> None:
    naive = now.replace(tzinfo=None)  # cannot be compared with the comment's time
    early = triage(POLICY, comment(), analysis(), account(), naive)
    assert early
    late = decide(POLICY, comment(), analysis(), None, account(), naive)
    for decision in (early, late):
        assert (decision.action, decision.rule) == (Action.REVIEW, rules.POLICY_ERROR)
        assert "TypeError" in decision.reason


def test_what_is_open_expires_by_platform_and_intent(
    comment: Callable[..., CommentEvent],
    analysis: Callable[..., Analysis],
    account: Callable[..., AccountView],
    now: datetime,
) -> None:
    said = comment("Thank you")
    decision = decided(said, analysis(), account(), now)
    assert decision.expires_at == said.created_at + timedelta(days=1)  # type: ignore[operator]
    closed = decided(comment(""), analysis(), account(), now)
    assert closed.expires_at is None
