"""A reply that a language model writes: asked for, read, held against the guardrails, asked for once more.

What the model's template does not say it may take from what the brand itself said here, the post and its
earlier replies: the draft then carries these texts, so that whoever judges it later knows them too.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from replies import answer
from replies.account import AccountView
from replies.answer import UnusableAnswer
from replies.budget import Key
from replies.guardrails import Failure
from replies.prompt import Prompt, Surroundings, assemble, corrected
from replies.selection import Brief
from replies.semantic_cache import Written
from replies.verdict import revision_of
from replies.voice import Voice
from schemas import identity
from schemas.events import Analysis, CommentEvent, Draft, DraftOrigin
from streams.calling import Caller


class FailedGuardrail(UnusableAnswer):
    """A model wrote twice what may not be said: its comment is one for a person."""


class Desk(Protocol):
    """What the author needs of the desk; see `console.live_desk`."""

    def voice(self, account: AccountView, /) -> Voice:
        """How the account speaks."""

    def failures(
        self, comment: CommentEvent, account: AccountView, draft: Draft, language: str, /
    ) -> tuple[Failure, ...]:
        """Every guardrail that the draft fails."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply is asked for, in whose name, and what is known around it."""

    comment: CommentEvent
    analysis: Analysis
    account: AccountView
    brief: Brief
    around: Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Asks the model. `note(account, model, prompt tokens, completion tokens)` keeps the usage.

    `checked(text, said)`: the language that a text surely is in, else the one that the model said it is in.
    """

    desk: Desk
    caller: Caller
    note: Callable[[Key, str, int, int], None]
    checked: Callable[[str, str], str]

    async def __call__(self, asked: Asked) -> tuple[Written, Draft]:
        """The wording, and the draft that it makes; raises NoAnswer, UnusableAnswer and FailedGuardrail."""
        prompt = assemble(
            asked.comment,
            asked.analysis,
            asked.account,
            self.desk.voice(asked.account),
            language=asked.brief.language,
            template=asked.brief.text,
            around=asked.around,
        )
        call = revision_of(asked.comment)
        written, draft, failed = await self._tried(asked, prompt, call)
        if failed:
            prompt = corrected(prompt, draft.text, [failure.reason for failure in failed])
            why = f"written again, for {', '.join(failure.name for failure in failed)}"
            written, draft, failed = await self._tried(asked, prompt, f"{call}.repair", why)
            if failed:
                raise FailedGuardrail(f"guardrail_{failed[0].name}")
        return written, draft

    async def _tried(
        self, asked: Asked, prompt: Prompt, call: str, *why: str
    ) -> tuple[Written, Draft, tuple[Failure, ...]]:
        """What the model writes, the draft that it makes, and the guardrails that this fails."""
        comment, account, brief, around = asked.comment, asked.account, asked.brief, asked.around
        completion = await self.caller.ask(prompt, call, lambda *tokens: self.note(account.key, *tokens))
        read = answer.read(completion.content, system=prompt.system, comment=comment.text or "")
        written = Written(
            text=read.reply,
            language=self.checked(read.reply, read.language),
            confidence=read.confidence,
            model=completion.model,
            prompt_hash=prompt.hash,
            template=brief.template,
            template_version=brief.template_version,
        )
        given = (
            f"prompt of about {prompt.tokens} tokens with {'the' if around.post else 'no'} post, "
            f"{len(around.thread)} earlier comments, {len(around.examples)} examples"
        )
        draft = draft_of(comment, brief, written, given, *(f"model: {each}" for each in read.reasons), *why)
        failed = self.desk.failures(comment, account, draft, brief.language)
        if failed and around.own:
            draft = replace(draft, grounds=around.own)
            failed = self.desk.failures(comment, account, draft, brief.language)
        return written, draft, failed


def draft_of(comment: CommentEvent, brief: Brief, written: Written, *reasons: str) -> Draft:
    """The draft that a wording makes for a comment."""
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
