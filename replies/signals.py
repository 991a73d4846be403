"""What a policy's conditions look at, computed once for a comment."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from replies import wording
from replies.account import AccountView
from replies.phrases import Phrases
from replies.rules import Clause, Condition, PolicyDocument
from replies.wording import Wording
from schemas.events import Analysis, CommentEvent, Draft
from schemas.labels import Sentiment

LANGUAGE_SURE: Final = 0.5
"""Probability from which the detected language is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The facts about one comment.

    `language`: the comment's where it is sure. `groups`: the phrase found, by group. `age` is never negative.
    """

    comment: CommentEvent
    analysis: Analysis
    account: AccountView
    draft: Draft | None
    wording: Wording
    mood: str
    phrases: Phrases
    language: str | None
    groups: Mapping[str, str]
    age: timedelta
    too_old: bool
    attachment: bool
    known_language: bool
    hour: int
    intent_score: float
    negative_score: float

    def holds(self, condition: Condition) -> bool:
        """True if every key of the condition holds."""
        return all(CHECKS[name](self, wanted) for name, wanted in condition.given.items())


def born(comment: CommentEvent) -> datetime:
    """When the comment was written, as far as is known."""
    return comment.created_at or comment.occurred_at


def observe(
    document: PolicyDocument,
    phrases: Phrases,
    comment: CommentEvent,
    analysis: Analysis,
    account: AccountView,
    *,
    draft: Draft | None,
    now: datetime,
) -> Signals:
    """The signals of a comment at the time `now`."""
    seen = wording.read(comment.text)
    age = max(timedelta(0), now - born(comment))
    known_language = analysis.language in document.languages
    sure_language = known_language and (
        probability(analysis.language_confidence, unknown=0.0) >= LANGUAGE_SURE
    )
    language = analysis.language if sure_language else None
    return Signals(
        comment=comment,
        analysis=analysis,
        account=account,
        draft=draft,
        wording=seen,
        mood=mood(seen.symbols, document.emoji.positive, document.emoji.negative),
        phrases=phrases,
        language=language,
        groups=phrases.find(seen.words, language, account.default_language),
        age=age,
        too_old=age > document.max_age[comment.platform],
        attachment=any(
            not item.kind.startswith(document.ignored_attachments or ("\x00",))
            for item in comment.attachments
        ),
        known_language=known_language,
        hour=now.astimezone(_zone(account.time_zone)).hour,
        intent_score=probability(analysis.intent_scores.get(analysis.intent), unknown=0.0),
        negative_score=probability(analysis.sentiment_scores.get(Sentiment.NEGATIVE), unknown=1.0),
    )


@functools.lru_cache(maxsize=600)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # of an account that no console wrote
        return UTC


def probability(value: float | None, *, unknown: float) -> float:
    """A probability, or `unknown` where there is none: missing, not a number, out of range."""
    if value is None or not -1e-6 <= value <= 1 + 1e-6:  # also false for what is not a number
        return unknown
    return min(1.0, max(0.0, value))


def mood(symbols: tuple[str, ...], positive: str, negative: str) -> str:
    """The mood of a text's symbols, one of `rules.MOODS`; skin tones and signs of gender do not count."""
    told = [symbol for symbol in symbols if symbol not in _MODIFIERS]
    if not told:
        return "none"
    if any(symbol in negative for symbol in told):
        return "negative"
    return "positive" if all(symbol in positive for symbol in told) else "neutral"


_MODIFIERS: Final = frozenset("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff♀♂")


def _language_is_unsure(signals: Signals, least: float) -> bool:
    sure = probability(signals.analysis.language_confidence, unknown=0.0)
    return sure < least and signals.analysis.language != signals.account.default_language


def _has_clause(signals: Signals, wanted: Clause) -> bool:
    clauses = signals.wording.clauses
    return len(clauses) > 1 and any(
        len(clause) >= wanted.words
        and signals.phrases.find(clause, signals.language, signals.account.default_language)
        .keys()
        .isdisjoint(wanted.without)
        for clause in clauses
    )


def _is_within(signals: Signals, hours: tuple[int, int]) -> bool:
    begin, end = hours
    return begin <= signals.hour < end if begin <= end else signals.hour >= begin or signals.hour < end


def _is_reachable(signals: Signals) -> bool:
    return not signals.account.only_when_mentioned or signals.comment.mentions_account is True


CHECKS: Final[Mapping[str, Callable[[Signals, Any], bool]]] = {
    "platform": lambda s, wanted: s.comment.platform in wanted,
    "account": lambda s, wanted: s.comment.account_id in wanted,
    "author": lambda s, wanted: s.comment.author_id in wanted,
    "mode": lambda s, wanted: s.account.mode in wanted,
    "intent": lambda s, wanted: s.analysis.intent in wanted,
    "sentiment": lambda s, wanted: s.analysis.sentiment in wanted,
    "language": lambda s, wanted: s.analysis.language in wanted,
    "words": lambda s, wanted: any(group in s.groups for group in wanted),
    "emoji": lambda s, wanted: s.mood in wanted,
    "hours": _is_within,
    "may_reply": lambda s, wanted: s.account.may_reply is wanted,
    "reachable": lambda s, wanted: _is_reachable(s) is wanted,
    "hidden": lambda s, wanted: (s.comment.is_hidden is True) is wanted,
    "too_old": lambda s, wanted: s.too_old is wanted,
    "empty": lambda s, wanted: s.wording.empty is wanted,
    "wordless": lambda s, wanted: s.wording.wordless is wanted,
    "link": lambda s, wanted: s.wording.link is wanted,
    "contact": lambda s, wanted: s.wording.contact is wanted,
    "attachment": lambda s, wanted: s.attachment is wanted,
    "mixed_script": lambda s, wanted: s.wording.mixed_script is wanted,
    "hidden_letters": lambda s, wanted: s.wording.hidden_letters is wanted,
    "markup": lambda s, wanted: s.wording.markup is wanted,
    "asks": lambda s, wanted: s.wording.asks is wanted,
    "quotes": lambda s, wanted: s.wording.quotes is wanted,
    "clause": _has_clause,
    "known_language": lambda s, wanted: s.known_language is wanted,
    "has_draft": lambda s, wanted: (s.draft is not None) is wanted,
    "intent_below": lambda s, bound: s.intent_score < bound,
    "intent_at_least": lambda s, bound: s.intent_score >= bound,
    "negative_at_least": lambda s, bound: s.negative_score >= bound,
    "negative_below": lambda s, bound: s.negative_score < bound,
    "language_below": _language_is_unsure,
    "unknown_at_least": lambda s, bound: probability(s.analysis.unknown_share, unknown=1.0) >= bound,
    "draft_below": lambda s, bound: s.draft is None or probability(s.draft.confidence, unknown=0.0) < bound,
    "longer_than": lambda s, bound: s.wording.length > bound,
}
"""How each key of a condition is checked; a test holds this and `Condition` together."""
