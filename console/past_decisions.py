"""The machine's decisions as Postgres keeps them, read in parts and judged anew by another policy.

Comment ids are hashes, so ranges of them are parts of even size: each process reads its own.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from console import seeding
from infra import postgres
from infra.postgres import transient
from replies.account import Mode
from replies.desk import Desk
from replies.policy import Policy
from replies.shipped import default_book, default_policy
from replies.what_if import Handling, Past, Tally, judge
from schemas.events import Analysis, ConfigKind, Draft, DraftOrigin, Platform, Source
from schemas.labels import Intent, Sentiment
from schemas.states import Action
from sinks.stored_comments import WORDING, comment_of

PARTS: Final = 64
"""Parts of a history: small enough that progress shows, large enough that a query costs little beside it."""

_AT_ONCE: Final = 1000

_DECISIONS: Final = f"""
select {WORDING},
    a.model, a.model_hash, a.sentiment, a.sentiment_scores, a.intent, a.intent_scores, a.language,
    a.language_confidence, a.unknown_share,
    g.draft_id, g.content, g.origin, g.language as draft_language, g.confidence_score, g.template,
    g.template_version, g.model as draft_model, g.prompt_hash, g.reasons, t.content as allowed,
    d.action, d.rule, d.decided_at, p.action as person_action, p.draft_id as person_draft
from decisions d
join comments c on c.comment_id = d.comment_id
join comment_revisions r on r.revision_id = d.revision_id
-- the scores of the day: later models' stand beside them
join lateral (
    select * from analyses a where a.revision_id = d.revision_id order by a.enriched_at, a.model_hash limit 1
) a on true
left join generated_responses g on g.draft_id = d.draft_id
left join response_templates t
    on t.tenant_id = d.tenant_id and t.name = g.template and t.version = g.template_version
left join lateral (
    select p.action, p.draft_id from decisions p
    where p.comment_id = d.comment_id and p.revision_id = d.revision_id and p.decided_by = 'person'
        and p.action in ('approve', 'reject', 'no_reply')
    order by p.is_spent, p.decided_at limit 1
) p on true
where d.decided_by = 'machine' and d.tenant_id = $1 and d.decided_at >= $2
    and d.comment_id >= $3 and d.comment_id <= $4
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a history. `policy`: its document as plain data; `mode`: None for each account's."""

    database: str
    tenant: str
    since: datetime
    policy: dict[str, Any]
    mode: Mode | None


@dataclass(slots=True)
class Answer:
    """The tally, and how many stored rows are no events (`unreadable`)."""

    tally: Tally = field(default_factory=Tally)
    unreadable: int = 0


def past_of(row: Any) -> Past:
    """A decision of the past from a row; raises ValueError, KeyError or TypeError if it is no event."""
    draft = None
    if row["draft_id"] is not None:
        draft = Draft(
            draft_id=str(row["draft_id"]),
            revision_id=str(row["revision_id"]),
            text=row["content"],
            origin=DraftOrigin(row["origin"]),
            language=row["draft_language"],
            confidence=row["confidence_score"],
            template=row["template"],
            template_version=row["template_version"],
            model=row["draft_model"],
            prompt_hash=row["prompt_hash"],
            reasons=tuple(row["reasons"]),
        )
    action = Action(row["action"])
    return Past(
        comment=comment_of(row, Source.SWEEP),
        analysis=Analysis(
            model=row["model"],
            model_hash=row["model_hash"],
            sentiment=Sentiment(row["sentiment"]),
            sentiment_scores=row["sentiment_scores"],
            intent=Intent(row["intent"]),
            intent_scores=row["intent_scores"],
            language=row["language"],
            language_confidence=row["language_confidence"],
            unknown_share=row["unknown_share"],
        ),
        draft=draft,
        allowed=row["allowed"] or "",
        action=action,
        rule=row["rule"],
        decided_at=row["decided_at"],
        handling=_handling(row, action),
    )


def _handling(row: Any, action: Action) -> Handling | None:
    match row["person_action"]:
        case Action.REJECT.value:
            return Handling.REJECTED
        case Action.NO_REPLY.value:
            return Handling.NO_REPLY
        case Action.APPROVE.value:
            return Handling.APPROVED if row["person_draft"] == row["draft_id"] else Handling.EDITED
        case _:
            return Handling.WAITING if action in (Action.REVIEW, Action.ESCALATE) else None


def ask(question: Question, *, processes: int | None = None, done: Callable[[float], None]) -> Answer:
    """Judges the whole history, on all cores; `done` is told the share of it, 0 to 1, as it goes."""
    whole = Answer()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        processes or os.cpu_count(), mp_context=spawn, initializer=_begin, initargs=(question,)
    ) as pool:
        for number, part in enumerate(pool.map(_part, range(PARTS)), 1):
            whole.tally.merge(part.tally)
            whole.unreadable += part.unreadable
            done(number / PARTS)
    return whole


class _Reader:
    """One process's connection, policy and templates, kept from part to part."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._policy = Policy.from_data(question.policy)
        self._desk: Desk | None = None
        self._loop = asyncio.new_event_loop()
        self._pool: postgres.Pool | None = None

    def part(self, number: int) -> Answer:
        return self._loop.run_until_complete(self._judge(number))

    async def _judge(self, number: int) -> Answer:
        if self._pool is None:
            self._pool = await postgres.create_pool(self._question.database, size=1)
        with transient():
            async with self._pool.acquire() as connection, connection.transaction(readonly=True):
                if self._desk is None:
                    self._desk = await present_desk(connection, self._question.tenant)
                return await self._judge_rows(connection, self._desk, number)

    async def _judge_rows(self, connection: postgres.Connection, desk: Desk, number: int) -> Answer:
        answer, mode = Answer(), self._question.mode
        first, last = _bounds(number)
        # The plan of the empty table, kept by a pooler, would be a bad one: a cursor plans anew.
        rows = connection.cursor(
            _DECISIONS, self._question.tenant, self._question.since, first, last, prefetch=_AT_ONCE
        )
        async for row in rows:
            try:
                past = past_of(row)
            except (ValueError, KeyError, TypeError):
                answer.unreadable += 1
                continue
            account = desk.accounts.get((Platform(past.comment.platform), past.comment.account_id))
            if account is not None and mode is not None:
                account = account.model_copy(update={"mode": mode})
            answer.tally.add(past, *judge(self._policy, past, account, desk.draft))
        return answer


async def present_desk(connection: postgres.Connection, tenant: str) -> Desk:
    """The desk with the accounts and templates that Postgres holds now."""
    desk = Desk(policy=default_policy(), book=default_book(), accounts={}, tenant_id=tenant)
    for change in await seeding.current(connection, tenant):
        # The policy in force has no part in judging by another, so it may be one that cannot be read.
        if change.kind is not ConfigKind.POLICY:
            desk = desk.updated(change)
    return desk


def _bounds(number: int) -> tuple[str, str]:
    """First and last id of a part."""
    width = 2**128 // PARTS
    first, last = number * width, (number + 1) * width - 1
    return _as_id(first), _as_id(last)


def _as_id(number: int) -> str:
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


_reader: _Reader | None = None


def _begin(question: Question) -> None:
    global _reader  # noqa: PLW0603 - one reader a process, made where the process begins
    _reader = _Reader(question)


def _part(number: int) -> Answer:
    if _reader is None:
        raise RuntimeError("the process was not begun")
    return _reader.part(number)
