"""The form of a policy document: rules in order, the first whose conditions all hold decides.

name, version       who it is; its version string also holds a hash of the content
languages           languages that replies are written in; any other counts as unknown
max_age             by platform: comments older than this are not answered, and replies expire then
expires             by platform and intent: where replies expire sooner than that
priority            weights that order waiting replies; see `replies.priority.Weights`
ignored_attachments kinds of attachment that say nothing (stickers)
risk_groups         groups of `words` that a person must see: nothing may be approved where one occurs
any_language        other groups of `words` that are looked for whatever a comment's language is
emoji               which emoji are kind and which are not
idioms              phrases that excuse what a group of `words` finds within them, by group and language
replies             phrases that no reply holds unless its template does, by the failure's name and language
forbidden           the same for one account, by "platform:account id" (competitors, claims)
words               groups of words and phrases by language; `*` at a word's end is any ending, before a
                    single word any beginning, `..` up to three words
triage, decide      the rules before and after drafting
drafting            who drafts, `template` or `language_model`: the latter where no rule holds
"""

import functools
import re
from datetime import timedelta
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from replies.account import Mode
from replies.documents import Document
from replies.priority import DEFAULT, Weights
from schemas.events import DraftOrigin, Platform
from schemas.labels import Intent, Sentiment
from schemas.states import Action

_DURATION: Final = re.compile(r"(\d{1,5})([mhd])")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def _duration(value: object) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError(f"{value!r} is no duration; write for example 90m, 36h or 3d")
    return int(match[1]) * _UNITS[match[2]]


def _written(value: timedelta) -> str:
    return f"{int(value / _UNITS['m'])}m"


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(_written)]
Score = Annotated[float, Field(ge=0, le=1)]


class Clause(Document):
    """A clause of this many words or more, none of which is of these groups of `words`."""

    words: int = Field(ge=1)
    without: tuple[str, ...] = Field(min_length=1)


class Condition(Document):
    """What must hold, all of it; a list holds if one of its members does. Without any key it always holds.

    Scores compare a probability: `intent_below` of the intent's own, `negative_at_least` and `negative_below`
    of "negative", `draft_below` the draft's confidence. `language_below` looks at how sure the language is,
    and holds only where it is not the account's own. `clause` holds where one of several clauses is such.
    `hours`: two hours of the account's time zone, from and until.
    """

    platform: tuple[Platform, ...] | None = None
    account: tuple[str, ...] | None = None
    author: tuple[str, ...] | None = None
    mode: tuple[Mode, ...] | None = None
    intent: tuple[Intent, ...] | None = None
    sentiment: tuple[Sentiment, ...] | None = None
    language: tuple[str, ...] | None = None
    words: tuple[str, ...] | None = None
    emoji: tuple[str, ...] | None = None
    hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=0, le=23)]] | None = None
    may_reply: bool | None = None
    reachable: bool | None = None
    hidden: bool | None = None
    too_old: bool | None = None
    empty: bool | None = None
    wordless: bool | None = None
    link: bool | None = None
    contact: bool | None = None
    attachment: bool | None = None
    mixed_script: bool | None = None
    hidden_letters: bool | None = None
    markup: bool | None = None
    asks: bool | None = None
    quotes: bool | None = None
    clause: Clause | None = None
    known_language: bool | None = None
    has_draft: bool | None = None
    intent_below: Score | None = None
    intent_at_least: Score | None = None
    negative_at_least: Score | None = None
    negative_below: Score | None = None
    language_below: Score | None = None
    unknown_at_least: Score | None = None
    draft_below: Score | None = None
    longer_than: Annotated[int, Field(ge=0)] | None = None

    @field_validator("emoji")
    @classmethod
    def _moods(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for mood in value or ():
            if mood not in MOODS:
                raise ValueError(f"{mood!r} is none of {', '.join(MOODS)}")
        return value

    @functools.cached_property
    def given(self) -> dict[str, Any]:
        """The keys that are set, with their values."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set) if self._is_set(name)}

    def _is_set(self, name: str) -> bool:
        return getattr(self, name) is not None


MOODS: Final = ("positive", "negative", "neutral", "none")
"""Of a text's emoji: only kind ones; an unkind one among them; others; none at all."""


class _Rule(Document):
    """A name that is stored with the decision, conditions, and a reason that people read."""

    rule: str = Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")
    when: Condition = Condition()
    reason: str = Field(min_length=1, max_length=300)


TRIAGE_ACTIONS: Final = {
    "no_reply": Action.NO_REPLY,
    "hide": Action.HIDE,
    "not_allowed": Action.NOT_ALLOWED,
    "escalate": Action.ESCALATE,
    "review": Action.REVIEW,
    "draft": None,
}
DECIDE_ACTIONS: Final = {
    "auto_approve": Action.AUTO_APPROVE,
    "review": Action.REVIEW,
    "escalate": Action.ESCALATE,
    "no_reply": Action.NO_REPLY,
}


class TriageRule(_Rule):
    """A rule before drafting; `then: draft` ends triage without a decision."""

    then: str

    @field_validator("then")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TRIAGE_ACTIONS:
            raise ValueError(f"{value!r} is none of {', '.join(TRIAGE_ACTIONS)}")
        return value

    @property
    def action(self) -> Action | None:
        """What the rule does; None where a draft is to be written."""
        return TRIAGE_ACTIONS[self.then]


class DecideRule(_Rule):
    """A rule after drafting; one that approves must name its intents and sentiments."""

    then: str

    @model_validator(mode="after")
    def _is_deliberate(self) -> Self:
        if self.then not in DECIDE_ACTIONS:
            raise ValueError(f"then: {self.then!r} is none of {', '.join(DECIDE_ACTIONS)}")
        if self.then == Action.AUTO_APPROVE and not (self.when.intent and self.when.sentiment):
            raise ValueError("a rule that approves must list `intent` and `sentiment`, so that none slips in")
        return self

    @property
    def action(self) -> Action:
        """What the rule does."""
        return DECIDE_ACTIONS[self.then]


class DraftingRule(_Rule):
    """A rule that says who drafts what triage let through."""

    then: DraftOrigin

    @field_validator("then")
    @classmethod
    def _is_a_machine(cls, value: DraftOrigin) -> DraftOrigin:
        if value is DraftOrigin.PERSON:
            raise ValueError("'person' is none of template, language_model; send it to review instead")
        return value


class Emoji(Document):
    """Emoji by mood, written one after the other."""

    positive: str = ""
    negative: str = ""


class PolicyDocument(Document):
    """A whole policy, as written."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")
    version: int = Field(ge=1)
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] = Field(min_length=1)
    max_age: dict[Platform, Duration]
    expires: dict[Platform, dict[Intent, Duration]] = Field(default_factory=dict)
    priority: Weights = DEFAULT
    ignored_attachments: tuple[str, ...] = ()
    risk_groups: tuple[str, ...] = ()
    any_language: tuple[str, ...] = ()
    emoji: Emoji = Emoji()
    words: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    idioms: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    replies: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,29}$")], dict[str, tuple[str, ...]]] = Field(
        default_factory=dict
    )
    forbidden: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    triage: tuple[TriageRule, ...]
    decide: tuple[DecideRule, ...]
    drafting: tuple[DraftingRule, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        missing = [platform.value for platform in Platform if platform not in self.max_age]
        if missing:
            raise ValueError(f"max_age: say how old a comment may be on {', '.join(missing)}")
        for platform, lives in self.expires.items():
            if late := [intent.value for intent, life in lives.items() if life > self.max_age[platform]]:
                raise ValueError(f"expires: {platform}: {', '.join(late)}: longer than max_age; leave it out")
        for key, groups in (
            ("risk_groups", self.risk_groups),
            ("any_language", self.any_language),
            ("idioms", tuple(self.idioms)),
        ):
            if unknown := set(groups) - set(self.words):
                raise ValueError(f"{key}: {sorted(unknown)} are no groups of `words`")
        names: set[str] = set()
        for rule in (*self.triage, *self.drafting, *self.decide):
            if rule.rule in names:
                raise ValueError(f"rule {rule.rule!r} is there twice; names tell decisions apart")
            names.add(rule.rule)
            clause = rule.when.clause
            if unknown := {*(rule.when.words or ()), *(clause.without if clause else ())} - set(self.words):
                raise ValueError(f"rule {rule.rule!r}: words: {sorted(unknown)} are no groups of `words`")
        return self
