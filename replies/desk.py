"""The desk: policy, templates and accounts together, as the stages use them.

Immutable: a configuration change gives a new desk, so a batch is worked through under one policy. A change
that cannot be read raises and leaves the old desk as it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Self

from jinja2 import TemplateError

from replies import policy as rules
from replies import selection, wording
from replies.account import AccountView
from replies.book import TemplateBook
from replies.guardrails import Failure, failures
from replies.policy import Policy
from replies.selection import Brief
from replies.templates import Template
from replies.verdict import Ruling, decision
from schemas.errors import ConfigurationError
from schemas.events import (
    Analysis,
    CommentEvent,
    ConfigChange,
    ConfigKind,
    Decision,
    Draft,
    DraftOrigin,
    Platform,
)
from schemas.states import Action

UNKNOWN_ACCOUNT: Final = Ruling(
    Action.REVIEW,
    "unknown_account",
    "no account of this id is set up here; add it with `parley accounts add`",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Decides and drafts for the accounts of one tenant.

    `accounts`: by platform and account id (`AccountView.key`). `changed`: the version last applied of each
    configuration key, so that an older change that is read again changes nothing.
    """

    policy: Policy
    book: TemplateBook
    accounts: Mapping[tuple[Platform, str], AccountView]
    tenant_id: str = "default"
    changed: Mapping[str, int] = field(default_factory=dict)

    def triage(self, comment: CommentEvent, analysis: Analysis, now: datetime) -> Decision | None:
        """The decision about a comment that needs no draft, else None."""
        account = self._account(comment)
        if account is None:
            return self._unknown(comment, None, now)
        return rules.triage(self.policy, comment, analysis, account, now)

    def draft(self, comment: CommentEvent, analysis: Analysis, recent: Collection[str] = ()) -> Draft | None:
        """A draft from a template; None where no template fits or the account is unknown: a person writes.

        `recent`: texts that the account has just said, which are avoided.
        """
        account = self._account(comment)
        if account is None:
            return None
        try:
            return selection.draft(comment, analysis, self.book, account, recent)
        except TemplateError:  # never of a template that was checked; `decide` sends it to a person
            return None

    def brief(self, comment: CommentEvent, analysis: Analysis) -> tuple[AccountView, Brief] | None:
        """What a language model would be asked to write, and for whom; None where it must not be asked."""
        account = self._account(comment)
        if account is None:
            return None
        try:
            return account, selection.brief(comment, analysis, self.book, account)
        except TemplateError:
            return None

    def drafted_by(self, comment: CommentEvent, analysis: Analysis, now: datetime) -> tuple[DraftOrigin, str]:
        """Whether a template or a language model drafts, and the rule that says so."""
        account = self._account(comment)
        if account is None:
            return DraftOrigin.TEMPLATE, UNKNOWN_ACCOUNT.rule
        return rules.drafting(self.policy, comment, analysis, account, now)

    def decide(
        self, comment: CommentEvent, analysis: Analysis, draft: Draft | None, now: datetime
    ) -> Decision:
        """What becomes of a comment and its draft."""
        account = self._account(comment)
        if account is None:
            return self._unknown(comment, draft, now)
        allowed = self.book.content(draft.template, draft.template_version) if draft else None
        return rules.decide(self.policy, comment, analysis, draft, account, now, allowed=allowed or "")

    def failures(
        self, comment: CommentEvent, account: AccountView, draft: Draft, language: str
    ) -> tuple[Failure, ...]:
        """Every guardrail that a draft fails which is to be in `language`."""
        allowed = self.book.content(draft.template, draft.template_version) or ""
        expected = None if wording.read(comment.text).wordless else language
        return failures(draft, rules.surrounding(self.policy, comment, account, expected, allowed))

    def updated(self, change: ConfigChange) -> Self:
        """The desk after a change of configuration.

        Changes of another tenant, of kinds the desk does not use, and older than what it holds give the same
        desk. Raises ConfigurationError, naming what to mend, if the change cannot be read: keep this desk.
        """
        if change.tenant_id != self.tenant_id or change.version < self.changed.get(change.topic_key, 0):
            return self
        changed = {**self.changed, change.topic_key: change.version}
        match change.kind:
            case ConfigKind.TEMPLATE:
                return replace(self, book=self._book_after(change), changed=changed)
            case ConfigKind.ACCOUNT:
                return replace(self, accounts=self._accounts_after(change), changed=changed)
            case ConfigKind.POLICY:
                if change.deleted:
                    raise ConfigurationError(f"policy {change.key}: cannot be deleted, only replaced")
                return replace(self, policy=Policy.from_change(change), changed=changed)
            case ConfigKind.VOICE:
                return self

    def _account(self, comment: CommentEvent) -> AccountView | None:
        account = self.accounts.get((comment.platform, comment.account_id))
        return account if account and account.tenant_id == comment.tenant_id else None

    def _unknown(self, comment: CommentEvent, draft: Draft | None, now: datetime) -> Decision:
        return decision(self.policy.version, UNKNOWN_ACCOUNT, None, None, now, comment=comment, draft=draft)

    def _book_after(self, change: ConfigChange) -> TemplateBook:
        if change.deleted:
            return self.book.without(change.key)
        template = Template.from_change(change)
        if template.name != change.key:
            raise ConfigurationError(
                f"template {change.key}: its content calls it {template.name!r}; use one name"
            )
        return self.book.without(change.key).updated(template)

    def _accounts_after(self, change: ConfigChange) -> Mapping[tuple[Platform, str], AccountView]:
        kept = dict(self.accounts)
        if change.deleted:
            return {key: account for key, account in kept.items() if account.config_key != change.key}
        account = AccountView.from_change(change)
        if change.key != account.config_key:
            raise ConfigurationError(
                f"account {change.key}: its content is of {account.config_key}; use that as the key"
            )
        kept[account.key] = account
        return kept
