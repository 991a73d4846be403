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
from replies import answer
from replies.account import AccountView
from replies.answer import UnusableAnswer
from replies.budget import Key, MonthlyBudget
from replies.guardrails import Failure
from replies.prompt import Prompt, Surroundings, assemble, corrected
from replies.recent import Recent, same
from replies.selection import Brief
from replies.semantic_cache import SemanticCache, Written
from replies.verdict import revision_of
from replies.voice import Voice
from schemas import identity
from schemas.events import Analysis, CommentEvent, Draft, DraftOrigin, utc_now
from streams.calling import Caller, NoAnswer

log = logs.get(__name__)


class FailedGuardrail(UnusableAnswer):
    """A model wrote twice what may not be said: its comment is one for a person."""


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

    def voice(self, account: AccountView) -> Voice:
        """How the account speaks."""

    def failures(
        self, comment: CommentEvent, account: AccountView, draft: Draft, language: str, context: str, /
    ) -> tuple[Failure, ...]:
        """Every guardrail that the draft fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """The stage's drafter. `note(account, model, prompt tokens, completion tokens)` keeps the usage."""

    desk: Desk
    caller: Caller
    context: LookUp
    cache: SemanticCache
    budget: MonthlyBudget
    note: Callable[[Key, str, int, int], None]
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
        recent = self.desk.recent.of(account.key)
        used = self.cache.find(comment, analysis, recent)
        if used is not None:
            _count("used_again")
            self.desk.recent.add(account.key, used.text)
            return self._draft(comment, brief, used, ("wording used again for a like comment",))
        refused = self.budget.refused(account.key, self.now())
        if refused is not None:
            raise NoAnswer(refused)
        prompt = assemble(
            comment,
            analysis,
            account,
            self.desk.voice(account),
            language=brief.language,
            template=brief.text,
            around=context.around,
        )
        post, call = context.around.post or "", revision_of(comment)
        written, told = await self._asked(prompt, call, comment, account.key, brief)
        draft = self._draft(comment, brief, written, _reasons(prompt, context, told))
        if failed := self.desk.failures(comment, account, draft, brief.language, post):
            again = corrected(prompt, draft.text, [failure.reason for failure in failed])
            written, told = await self._asked(again, f"{call}.repair", comment, account.key, brief)
            repaired = f"written again, for {', '.join(failure.name for failure in failed)}"
            draft = self._draft(comment, brief, written, (*_reasons(again, context, told), repaired))
            if failed := self.desk.failures(comment, account, draft, brief.language, post):
                raise FailedGuardrail(f"guardrail_{failed[0].name}")
        # Looked at here and not where it is decided: there the partitions' order is not the drafts'.
        if same(draft.text) in {same(text) for text in self.desk.recent.of(account.key)}:
            raise UnusableAnswer("guardrail_repeated")
        self.desk.recent.add(account.key, draft.text)
        self.cache.put(comment, analysis, written)
        _count("written")
        return draft

    async def _asked(
        self, prompt: Prompt, call: str, comment: CommentEvent, account: Key, brief: Brief
    ) -> tuple[Written, tuple[str, ...]]:
        """What the model writes and its reasons."""
        completion = await self.caller.ask(prompt, call, lambda *tokens: self.note(account, *tokens))
        read = answer.read(completion.content, system=prompt.system, comment=comment.text or "")
        written = Written(
            text=read.reply,
            language=read.language,
            confidence=read.confidence,
            model=completion.model,
            prompt_hash=prompt.hash,
            template=brief.template,
            template_version=brief.template_version,
        )
        return written, read.reasons

    def _draft(
        self,
        comment: CommentEvent,
        brief: Brief,
        written: Written,
        reasons: tuple[str, ...],
    ) -> Draft:
        revision = revision_of(comment)
        return Draft(
            draft_id=identity.draft_id(revision, written.text, DraftOrigin.LANGUAGE_MODEL),
            revision_id=revision,
            text=written.text,
            origin=DraftOrigin.LANGUAGE_MODEL,
            language=written.language,
            confidence=min(brief.confidence, written.confidence),
            template=written.template,
            template_version=written.template_version,
            model=written.model,
            prompt_hash=written.prompt_hash,
            reasons=(f"language {brief.language}: {brief.why}", *reasons),
        )

    def _template(self, comment: CommentEvent, analysis: Analysis, why: str, told: str) -> Draft | None:
        metrics.DRAFTS.labels(DraftOrigin.TEMPLATE.value, why).inc()
        draft = self.desk.template(comment, analysis)
        return draft and replace(draft, reasons=(*draft.reasons, told))


def _reasons(prompt: Prompt, context: Context, model: tuple[str, ...]) -> tuple[str, ...]:
    around = context.around
    given = f"prompt of about {prompt.tokens} tokens with {'the' if around.post else 'no'} post, "
    given += f"{len(around.thread)} earlier comments, {len(around.examples)} examples"
    return (given, *(f"model: {each}" for each in model))


def _count(why: str) -> None:
    metrics.DRAFTS.labels(DraftOrigin.LANGUAGE_MODEL.value, why).inc()
