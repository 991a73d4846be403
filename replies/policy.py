"""The policy: two pure functions over one document, `triage` before drafting and `decide` after it.

The first rule whose conditions hold decides. What no rule knows, and whatever goes wrong on the way, goes to
a person. Below the rules lies a floor that no policy can lower: nothing is approved without the account's
mode `auto`, a known language and a draft of this very wording that passes the guardrails, or where a risk
word occurs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from replies import guardrails
from replies.account import AccountView, Mode
from replies.documents import read_json, read_yaml, validated
from replies.phrases import Phrases
from replies.rules import DecideRule, PolicyDocument, TriageRule
from replies.signals import Signals, observe
from replies.verdict import Ruling, decision, revision_of
from schemas.errors import ConfigurationError
from schemas.events import Analysis, CommentEvent, ConfigChange, Decision, Draft, DraftOrigin
from schemas.identity import content_hash
from schemas.states import Action

POLICY_ERROR: Final = "policy_error"
NO_RULE: Final = "no_rule"


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy document ready for use; `version` is its name, number and the start of its content's hash."""

    document: PolicyDocument
    version: str
    phrases: Phrases
    spoken: Phrases
    forbidden: Mapping[str, Phrases]

    @classmethod
    def from_yaml(cls, text: str, what: str = "policy") -> Self:
        """Reads a policy; raises ConfigurationError naming `what`, the path and the problem."""
        return cls.from_data(read_yaml(text, what), what)

    @classmethod
    def from_change(cls, change: ConfigChange) -> Self:
        """The policy a change brings: the document as JSON; raises ConfigurationError."""
        what = f"policy {change.key} version {change.version}"
        return cls.from_data(read_json(change.payload, what), what)

    @classmethod
    def from_data(cls, data: Any, what: str = "policy") -> Self:
        """A policy from plain data, as YAML or JSON give it; raises ConfigurationError."""
        if not isinstance(data, Mapping):
            raise ConfigurationError(f"{what}: is no mapping; begin with name, version, languages")
        document = validated(PolicyDocument, data, what)
        try:
            everywhere = (*document.risk_groups, *document.any_language)
            phrases = Phrases(document.words, everywhere=everywhere, idioms=document.idioms)
            spoken = Phrases(document.replies, everywhere=document.replies)
            forbidden = {
                account: Phrases({"forbidden": {"": listed}}, everywhere=("forbidden",))
                for account, listed in document.forbidden.items()
            }
        except ValueError as error:
            raise ConfigurationError(f"{what}: words: {error}") from error
        version = f"{document.name}@{document.version}:{content_hash(data)[:8]}"
        return cls(document, version, phrases, spoken, forbidden)

    def unspeakable(self, account: AccountView) -> tuple[Phrases, ...]:
        """What a reply of the account may not say, for `guardrails.Surrounding`."""
        own = self.forbidden.get(account.config_key)
        return (self.spoken, own) if own else (self.spoken,)


def triage(
    policy: Policy, comment: CommentEvent, analysis: Analysis, account: AccountView, now: datetime
) -> Decision | None:
    """The decision about a comment that needs no draft, or None: a draft is to be written, then `decide`."""
    try:
        signals = observe(policy.document, policy.phrases, comment, analysis, account, draft=None, now=now)
        ruling = _triage(policy, signals)
        return decision(policy.version, ruling, signals, policy.document, now) if ruling else None
    except Exception as error:  # noqa: BLE001 - whatever it is, a person looks; the decision names it
        return decision(policy.version, _failed(error), None, None, now, comment=comment)


def drafting(
    policy: Policy, comment: CommentEvent, analysis: Analysis, account: AccountView, now: datetime
) -> tuple[DraftOrigin, str]:
    """Who drafts a reply to what triage let through, if a language model is set up, and the rule's name."""
    try:
        signals = observe(policy.document, policy.phrases, comment, analysis, account, draft=None, now=now)
        for rule in policy.document.drafting:
            if signals.holds(rule.when):
                return rule.then, rule.rule
    except Exception:  # noqa: BLE001 - whatever it is: `decide` meets it too, and sends it to a person
        return DraftOrigin.TEMPLATE, POLICY_ERROR
    return DraftOrigin.LANGUAGE_MODEL, NO_RULE


def decide(
    policy: Policy,
    comment: CommentEvent,
    analysis: Analysis,
    draft: Draft | None,
    account: AccountView,
    now: datetime,
    *,
    allowed: str = "",
    recent: Collection[str] = (),
) -> Decision:
    """The decision about a comment and its draft; what triage would end now is ended here too.

    `allowed`: the template's content, whose links and prices a draft may hold. `recent`: texts lately sent.
    """
    try:
        signals = observe(policy.document, policy.phrases, comment, analysis, account, draft=draft, now=now)
        ruling = _triage(policy, signals) or _decide(policy, signals)
        if ruling.action is Action.AUTO_APPROVE:
            ruling = _held_back(policy, signals, allowed, recent) or ruling
        return decision(policy.version, ruling, signals, policy.document, now)
    except Exception as error:  # noqa: BLE001 - whatever it is, a person looks; the decision names it
        return decision(policy.version, _failed(error), None, None, now, comment=comment, draft=draft)


def _triage(policy: Policy, signals: Signals) -> Ruling | None:
    for rule in policy.document.triage:
        if signals.holds(rule.when):
            return Ruling(rule.action, rule.rule, _reason(rule, signals)) if rule.action else None
    return None


def _decide(policy: Policy, signals: Signals) -> Ruling:
    for rule in policy.document.decide:
        if signals.holds(rule.when):
            return Ruling(rule.action, rule.rule, _reason(rule, signals))
    return Ruling(Action.REVIEW, NO_RULE, "no rule of the policy knows this case")


def _reason(rule: TriageRule | DecideRule, signals: Signals) -> str:
    found = [
        f"{group}: {signals.groups[group]!r}" for group in rule.when.words or () if group in signals.groups
    ]
    return f"{rule.reason} ({', '.join(found)})" if found else rule.reason


def _held_back(policy: Policy, signals: Signals, allowed: str, recent: Collection[str]) -> Ruling | None:
    """Why a draft that a rule approves may not go out all the same, or None."""
    account, comment, draft = signals.account, signals.comment, signals.draft

    def held(rule: str, reason: str) -> Ruling:
        return Ruling(Action.REVIEW, rule, reason)

    for group in policy.document.risk_groups:
        if group in signals.groups:
            reason = f"a risk word that no rule escalates ({group}: {signals.groups[group]!r})"
            return Ruling(Action.ESCALATE, "floor:risk", reason)
    if account.mode is not Mode.AUTO:
        return held("floor:mode", f"the account's mode is {account.mode}")
    if not account.may_reply or not comment.kind.has_wording:
        return held("floor:not_allowed", "nothing can be replied to here")
    if not signals.known_language and not signals.wording.wordless:
        return held("floor:language", f"replies are not written in {signals.analysis.language!r}")
    if draft is None:
        return held("floor:no_draft", "there is no draft")
    if not draft.confidence > 0:
        return held("floor:unsure", "whoever drafted it does not stand by it")
    if draft.revision_id != revision_of(comment):
        return held("floor:revision", "the draft answers another wording of the comment")
    language = None if signals.wording.wordless else signals.analysis.language
    around = surrounding(policy, comment, account, language, allowed, recent)
    failure = guardrails.check(draft, around)
    return held(f"guardrail:{failure.name}", failure.reason) if failure else None


def surrounding(
    policy: Policy,
    comment: CommentEvent,
    account: AccountView,
    language: str | None,
    allowed: str,
    recent: Collection[str] = (),
) -> guardrails.Surrounding:
    """What a draft for the comment is held against. `language`: the reply's, None where any will do."""
    return guardrails.Surrounding(
        platform=comment.platform,
        language=language,
        allowed=f"{allowed}\n{account.brand_name}",
        recent=recent,
        comment=comment.text or "",
        author_name=comment.author_name or "",
        phrases=policy.unspeakable(account),
    )


def _failed(error: Exception) -> Ruling:
    return Ruling(Action.REVIEW, POLICY_ERROR, f"the policy failed: {type(error).__name__}: {error}"[:300])
