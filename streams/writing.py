"""A draft by a language model, and by a template wherever that is not to be had: no comment waits or is lost.

The policy says who drafts. A wording that was drafted before keeps its draft; a harmless comment that nearly
equals others gets a wording that was written for them; else the model is asked. Whatever goes wrong ends in
the template, and the draft's reasons say why. A reply that fails a guardrail is asked for once more, with the
reasons; if that fails too, the template's draft goes to a person (its confidence is 0).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from infra import logs, metrics
from replies.account import AccountView
from replies.answer import UnusableAnswer
from replies.budget import MonthlyBudget
from replies.prompt import Surroundings
from replies.recent import Recent, same
from replies.selection import Brief
from replies.semantic_cache import SemanticCache
from schemas.events import Analysis, CommentEvent, Draft, DraftOrigin, utc_now
from streams.author import Asked, Author, FailedGuardrail, draft_of
from streams.calling import NoAnswer

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known around a comment. `draft`: what was already written for this very wording."""

    around: Surroundings
    draft: Draft | None = None


class LookUp(Protocol):
    """Finds the context of a comment; never raises for a store that is away."""

    async def __call__(self, comment: CommentEvent, analysis: Analysis, /) -> Context:
        """What is known now."""


class Desk(Protocol):
    """What the writer needs of the desk; see `console.live_desk`."""

    @property
    def recent(self) -> Recent:
        """What the accounts said lately."""

    def template(self, comment: CommentEvent, analysis: Analysis) -> Draft | None:
        """A draft from a template, noted as said."""

    def brief(self, comment: CommentEvent, analysis: Analysis) -> tuple[AccountView, Brief] | None:
        """What a model would be asked to write, and for whom."""

    def drafted_by(self, comment: CommentEvent, analysis: Analysis, now: datetime) -> tuple[DraftOrigin, str]:
        """Who drafts, and the policy's rule that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """The stage's drafter."""

    desk: Desk
    author: Author
    context: LookUp
    cache: SemanticCache
    budget: MonthlyBudget
    now: Callable[[], datetime] = utc_now

    async def __call__(self, comment: CommentEvent, analysis: Analysis) -> Draft | None:
        """A draft, or None where nothing fits; raises nothing that a language model could cause."""
        asked = self.desk.brief(comment, analysis)
        origin, rule = self.desk.drafted_by(comment, analysis, self.now())
        if asked is None or origin is not DraftOrigin.LANGUAGE_MODEL:
            return self._template(comment, analysis, "policy", f"a template drafts by rule {rule}")
        try:
            return await self._written(comment, analysis, *asked)
        except FailedGuardrail as error:
            draft = self._template(comment, analysis, error.reason, f"a person looks: twice {error.reason}")
            return draft and replace(draft, confidence=0.0)
        except (NoAnswer, UnusableAnswer) as error:
            why = error.reason
        except Exception as error:  # whatever it is, the comment gets its template
            log.exception("a draft could not be written")
            why = f"error_{type(error).__name__}"
        return self._template(comment, analysis, why, f"template instead of the language model: {why}")

    async def _written(
        self, comment: CommentEvent, analysis: Analysis, account: AccountView, brief: Brief
    ) -> Draft:
        context = await self.context(comment, analysis)
        if context.draft is not None:
            _count("written_before")
            return context.draft
        recent = self.desk.recent
        used = self.cache.find(comment, analysis, recent.of(account.key))
        if used is not None:
            _count("used_again")
            recent.add(account.key, used.text)
            return draft_of(comment, brief, used, "wording used again for a like comment")
        refused = self.budget.refused(account.key, self.now())
        if refused is not None:
            raise NoAnswer(refused)
        written, draft = await self.author(Asked(comment, analysis, account, brief, context.around))
        # Looked at here and not where it is decided: there the partitions' order is not the drafts'.
        if same(draft.text) in {same(text) for text in recent.of(account.key)}:
            raise UnusableAnswer("guardrail_repeated")
        recent.add(account.key, draft.text)
        if not draft.grounds:  # what one post says is nothing to say under another
            self.cache.put(comment, analysis, written)
        _count("written")
        return draft

    def _template(self, comment: CommentEvent, analysis: Analysis, why: str, told: str) -> Draft | None:
        metrics.DRAFTS.labels(DraftOrigin.TEMPLATE.value, why).inc()
        draft = self.desk.template(comment, analysis)
        return draft and replace(draft, reasons=(*draft.reasons, told))


def _count(why: str) -> None:
    metrics.DRAFTS.labels(DraftOrigin.LANGUAGE_MODEL.value, why).inc()
