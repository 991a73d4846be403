"""The desk that workers use: policy, templates and accounts under the newest configuration."""

from datetime import datetime

from infra import logs
from replies import shipped
from replies.desk import Desk
from schemas.errors import ConfigurationError
from schemas.events import Analysis, CommentEvent, ConfigChange, Decision, Draft
from streams.config import ConfigView

log = logs.get(__name__)


class LiveDesk:
    """The desk under the newest configuration: starts with what is shipped, follows `config.changes`."""

    def __init__(self, view: ConfigView, tenant: str) -> None:
        self._desk = Desk(
            policy=shipped.default_policy(), book=shipped.default_book(), accounts={}, tenant_id=tenant
        )
        view.on_change(self._change)

    def _change(self, change: ConfigChange) -> None:
        try:
            self._desk = self._desk.updated(change)
        except ConfigurationError as error:
            log.error("a change of configuration was refused; the old one stays", error=str(error))

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
        return self._desk.decide(comment, analysis, draft, now)
