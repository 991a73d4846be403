"""The desk that workers use: policy, templates and accounts under the newest configuration."""

from dataclasses import replace
from datetime import datetime
from enum import Enum

from infra import logs
from replies import shipped
from replies.desk import Desk
from schemas import identity
from schemas.errors import ConfigurationError
from schemas.events import Analysis, CommentEvent, ConfigChange, ConfigKind, Decision, Draft
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
        view.on_change(self._change)

    def _change(self, change: ConfigChange) -> None:
        try:
            self._desk = self._desk.updated(change)
        except ConfigurationError as error:
            log.error("a change of configuration was refused; the old one stays", error=str(error))
            if change.kind is ConfigKind.POLICY and self._policy is _Policy.SHIPPED:
                # The tenant has a policy of its own, and nobody here knows what it says.
                self._policy = _Policy.UNREADABLE
            return
        if change.kind is ConfigKind.POLICY and change.tenant_id == self._desk.tenant_id:
            self._policy = _Policy.OWN

    def triage(self, comment: CommentEvent, analysis: Analysis, now: datetime) -> Decision | None:
        """See `Desk.triage`."""
        return self._desk.triage(comment, analysis, now)

    async def draft(self, comment: CommentEvent, analysis: Analysis) -> Draft | None:
        """See `Desk.draft`."""
        return self._desk.draft(comment, analysis)

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
