"""What another policy would have done with the past: each stored comment is judged anew, nothing is sent.

Judged as on the day: with the scores, the draft, the template's wording and the hour of the decision that was
made then; with the account as it is now, unless another mode is asked for. A comment that triage ended then
has no draft; where the other policy lets it through, a template drafts one now.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from replies import policy as rules
from replies.account import AccountView
from replies.desk import UNKNOWN_ACCOUNT, Desk
from replies.policy import Policy
from schemas.events import Analysis, CommentEvent, Draft
from schemas.states import Action

EXAMPLES: Final = 3
"""Examples kept of each kind of change."""


class Handling(StrEnum):
    """What people did with a comment that had been left to them."""

    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    NO_REPLY = "no_reply"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One decision of the machine and what it was made of.

    `allowed`: the content of the draft's template, "" without one. `handling`: None where nobody was asked.
    """

    comment: CommentEvent
    analysis: Analysis
    draft: Draft | None
    allowed: str
    action: Action
    rule: str
    decided_at: datetime
    handling: Handling | None


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """A comment that would have been treated otherwise."""

    comment_id: str
    before: str
    after: str
    rule_before: str
    rule_after: str
    handling: str
    text: str


def judge(policy: Policy, past: Past, account: AccountView | None, desk: Desk) -> tuple[Action, str]:
    """(action, rule) of this policy for a comment of the past; `desk`: the templates of today."""
    if account is None:
        return UNKNOWN_ACCOUNT.action, UNKNOWN_ACCOUNT.rule
    draft, allowed = past.draft, past.allowed
    if draft is None:
        ended = rules.triage(policy, past.comment, past.analysis, account, past.decided_at)
        if ended is not None:
            return ended.action, ended.rule
        draft = desk.draft(past.comment, past.analysis)
        allowed = (desk.book.content(draft.template, draft.template_version) if draft else None) or ""
    found = rules.decide(
        policy, past.comment, past.analysis, draft, account, past.decided_at, allowed=allowed
    )
    return found.action, found.rule


@dataclass(slots=True)
class Tally:
    """Counts over many comments; tallies of parts of a history add up to the whole's, in any order."""

    considered: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    autos: Counter[tuple[str, str, bool, bool]] = field(default_factory=Counter)
    handled: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[Example]] = field(default_factory=dict)

    def add(self, past: Past, action: Action, rule: str) -> None:
        """Counts one comment."""
        self.considered += 1
        before, after = past.action.value, action.value
        self.moves[before, after] += 1
        self.rules[rule] += 1
        was, would = past.action.sends, action.sends
        account = f"{past.comment.platform}:{past.comment.account_id}"
        self.autos[past.analysis.intent.value, account, was, would] += 1
        if would and not was:
            self.handled[past.analysis.intent.value, (past.handling or "nobody_asked")] += 1
        if before != after:
            self._keep(
                Example(
                    past.comment.comment_id,
                    before,
                    after,
                    past.rule,
                    rule,
                    past.handling or "",
                    (past.comment.text or "")[:200],
                )
            )

    def _keep(self, example: Example) -> None:
        kept = self.examples.setdefault((example.before, example.after), [])
        # By id, so that the same history gives the same examples however it was shared out.
        if len(kept) < EXAMPLES or example < kept[-1]:
            kept.append(example)
            kept.sort()
            del kept[EXAMPLES:]

    def merge(self, other: "Tally") -> None:
        """Adds another tally's counts to this one's."""
        self.considered += other.considered
        self.moves += other.moves
        self.autos += other.autos
        self.handled += other.handled
        self.rules += other.rules
        for examples in other.examples.values():
            for example in examples:
                self._keep(example)

    def report(self) -> dict[str, Any]:
        """The figures as `parley policy what-if --json` prints them."""
        shifts: Counter[tuple[bool, bool]] = Counter()
        by_intent: defaultdict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
        by_account: defaultdict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
        for (intent, account, was, would), count in self.autos.items():
            for counts in (shifts, by_intent[intent], by_account[account]):
                counts[was, would] += count
        had: Counter[str] = Counter()
        had_by_intent: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (intent, handling), count in self.handled.items():
            for handlings in (had, had_by_intent[intent]):
                handlings[handling] += count
        return {
            "considered": self.considered,
            "changed": sum(count for (before, after), count in self.moves.items() if before != after),
            "by_itself": _shift(shifts),
            "by_intent": {intent: _shift(counts) for intent, counts in sorted(by_intent.items())},
            "by_account": {account: _shift(counts) for account, counts in sorted(by_account.items())},
            "of_the_newly_sent_people_had": _handled(had),
            "of_the_newly_sent_people_had_by_intent": {
                intent: _handled(handlings) for intent, handlings in sorted(had_by_intent.items())
            },
            "moves": [
                {"before": before, "after": after, "count": count}
                for (before, after), count in sorted(self.moves.items(), key=lambda each: (-each[1], each[0]))
            ],
            "rules": dict(sorted(self.rules.items(), key=lambda each: (-each[1], each[0]))),
            "examples": [
                {name: getattr(each, name) for name in Example.__slots__}
                for _, kept in sorted(self.examples.items())
                for each in kept
            ],
        }


def _shift(counts: Counter[tuple[bool, bool]]) -> dict[str, int]:
    """How many went out by themselves before, would after, and the two ways of change."""
    return {
        "before": counts[True, True] + counts[True, False],
        "after": counts[True, True] + counts[False, True],
        "more": counts[False, True],
        "fewer": counts[True, False],
    }


def _handled(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in (*Handling, "nobody_asked")}
