"""The desk that workers use: policy, templates and accounts under the newest configuration."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum

from infra import logs
from replies import shipped
from replies.account import AccountView
from replies.desk import Desk
from replies.guardrails import Failure
from replies.recent import Recent
from replies.selection import Brief
from replies.voice import Voice, voice_of
from schemas import identity
from schemas.errors import ConfigurationError
from schemas.events import (
    Analysis,
    CommentEvent,
    ConfigChange,
    ConfigKind,
    Decision,
    Draft,
    DraftOrigin,
)
from schemas.states import Action
from streams.config import ConfigView

log = logs.get(__name__)


class _Policy(Enum):
    """Which policy is in force."""

    SHIPPED = 1
    OWN = 2
    UNREADABLE = 3


class LiveDesk:
    """The desk under the newest configuration: starts with what is shipped, follows `config.changes`."""

    def __init__(self, view: ConfigView, tenant: str) -> None:
        self._desk = Desk(
            policy=shipped.default_policy(), book=shipped.default_book(), accounts={}, tenant_id=tenant
        )
        self._policy = _Policy.SHIPPED
        self._voices: dict[str, Voice] = {}
        self._changed: list[Callable[[], None]] = []
        self.recent = Recent()
        view.on_change(self._change)

    def on_change(self, callback: Callable[[], None]) -> None:
        """`callback` is called when templates, policy, voices or accounts have changed."""
        self._changed.append(callback)

    def _change(self, change: ConfigChange) -> None:
        try:
            self._desk = self._desk.updated(change)
            if change.kind is ConfigKind.VOICE and change.tenant_id == self._desk.tenant_id:
                self._speak(change)
        except ConfigurationError as error:
            log.error("a change of configuration was refused; the old one stays", error=str(error))
            if change.kind is ConfigKind.POLICY and self._policy is _Policy.SHIPPED:
                # The tenant has a policy of its own, and nobody here knows what it says.
                self._policy = _Policy.UNREADABLE
            return
        if change.kind is ConfigKind.POLICY and change.tenant_id == self._desk.tenant_id:
            self._policy = _Policy.OWN
        for callback in self._changed:
            callback()

    def _speak(self, change: ConfigChange) -> None:
        if change.deleted:
            self._voices.pop(change.key, None)
        else:
            self._voices[change.key] = Voice.from_change(change)

    def triage(self, comment: CommentEvent, analysis: Analysis, now: datetime) -> Decision | None:
        """See `Desk.triage`."""
        return self._desk.triage(comment, analysis, now)

    async def draft(self, comment: CommentEvent, analysis: Analysis) -> Draft | None:
        """The drafter of a worker without a language model."""
        return self.template(comment, analysis)

    def template(self, comment: CommentEvent, analysis: Analysis) -> Draft | None:
        """See `Desk.draft`; not what the account has just said, and noted as said."""
        account = (comment.platform, comment.account_id)
        draft = self._desk.draft(comment, analysis, self.recent.of(account))
        if draft is not None:
            self.recent.add(account, draft.text)
        return draft

    def brief(self, comment: CommentEvent, analysis: Analysis) -> tuple[AccountView, Brief] | None:
        """See `Desk.brief`."""
        return self._desk.brief(comment, analysis)

    def drafted_by(self, comment: CommentEvent, analysis: Analysis, now: datetime) -> tuple[DraftOrigin, str]:
        """See `Desk.drafted_by`; a template while nobody knows what the tenant's policy says."""
        if self._policy is _Policy.UNREADABLE:
            return DraftOrigin.TEMPLATE, "policy_unreadable"
        return self._desk.drafted_by(comment, analysis, now)

    def voice(self, account: AccountView) -> Voice:
        """How the account speaks."""
        return voice_of(self._voices, account.config_key)

    def failures(
        self, comment: CommentEvent, account: AccountView, draft: Draft, language: str
    ) -> tuple[Failure, ...]:
        """See `Desk.failures`."""
        return self._desk.failures(comment, account, draft, language)

    def decide(
        self, comment: CommentEvent, analysis: Analysis, draft: Draft | None, now: datetime
    ) -> Decision:
        """See `Desk.decide`."""
        decision = self._desk.decide(comment, analysis, draft, now)
        if self._policy is not _Policy.UNREADABLE or not decision.action.sends:
            return decision
        return replace(
            decision,
            decision_id=identity.decision_id(
                decision.revision_id,
                decision.draft.draft_id if decision.draft else None,
                decision.decided_by,
                Action.REVIEW,
            ),
            action=Action.REVIEW,
            text=None,
            rule="policy_unreadable",
            reason="the tenant's policy cannot be read, so nothing goes out by itself",
        )
