"""The machine's decisions of the past, read in parts and judged anew by another policy.

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
from console.decision_rows import DECISIONS, past_of
from infra import postgres
from infra.postgres import transient
from replies.account import Mode
from replies.desk import Desk
from replies.policy import Policy
from replies.shipped import default_book, default_policy
from replies.what_if import Tally, judge
from schemas.events import ConfigKind, Platform

PARTS: Final = 64
"""Parts of a history: small enough that progress shows, large enough that a query costs little beside it."""

_AT_ONCE: Final = 1000


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
            DECISIONS, self._question.tenant, self._question.since, first, last, prefetch=_AT_ONCE
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
            answer.tally.add(past, *judge(self._policy, past, account, desk))
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
