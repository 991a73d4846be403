"""What is known around a comment, for its draft: post, thread, approved replies, and a draft made before.

Read from Postgres for each draft that a language model is to write, bounded in time, cached where it is the
same for many. It fails open: without Postgres a draft is written from the comment alone, and after a failure
nobody asks for some seconds.

A draft made before is used again, so that a call is not paid twice: a worker that was killed reads again what
lay beyond its committed offsets, and its drafts are already here.
"""

import asyncio
import re
import time
from collections import OrderedDict
from typing import Final, Generic, TypeVar

import asyncpg

from infra import logs, metrics
from infra.postgres import AWAY, Connection, Pool
from replies.authors import safe_first_name
from replies.prompt import Example, Said, Surroundings
from replies.similarity import likeness, trigrams
from replies.verdict import revision_of
from schemas.events import Analysis, CommentEvent, Draft, DraftOrigin
from streams.writing import Context

log = logs.get(__name__)
T = TypeVar("T")

_WITHIN: Final = 2.0
"""Seconds that a look-up may take."""

_AFTER_FAILURE: Final = 5.0
"""Seconds for which nothing is asked after a failure."""

_POSTS: Final = 5_000
_GROUPS: Final = 2_000
_CANDIDATES: Final = 50
_FRESH: Final = 60.0
_THREAD: Final = 6


class _Cache(Generic[T]):
    """The latest, for a while."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, ...], tuple[float, T]] = OrderedDict()

    def get(self, key: tuple[str, ...]) -> tuple[T] | None:
        kept = self._kept.get(key)
        return (kept[1],) if kept and time.monotonic() < kept[0] else None

    def put(self, key: tuple[str, ...], value: T) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (time.monotonic() + _FRESH, value)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


class DraftContext:
    """Looks things up; `examples` is how many approved replies a prompt gets at most."""

    def __init__(self, pool: Pool, *, examples: int) -> None:
        self._pool = pool
        self._examples = examples
        self._posts: _Cache[str | None] = _Cache(_POSTS)
        self._approved: _Cache[list[Example]] = _Cache(_GROUPS)
        self._silent_until = 0.0

    async def __call__(self, comment: CommentEvent, analysis: Analysis) -> Context:
        """What is known; nothing at all where Postgres cannot be asked."""
        if time.monotonic() >= self._silent_until:
            try:
                async with asyncio.timeout(_WITHIN), self._pool.acquire() as connection:
                    return await self._found(connection, comment, analysis)
            except (*AWAY, asyncpg.PostgresError) as error:
                if time.monotonic() >= self._silent_until:  # else another look-up has just said so
                    log.warning("drafts are written without their surroundings", error=type(error).__name__)
                self._silent_until = time.monotonic() + _AFTER_FAILURE
        metrics.CONTEXT_MISSED.inc()
        return Context(Surroundings())

    async def _found(self, connection: Connection, comment: CommentEvent, analysis: Analysis) -> Context:
        draft = await _drafted(connection, comment)
        if draft is not None:
            return Context(Surroundings(), draft)
        return Context(
            Surroundings(
                post=await self._post(connection, comment),
                thread=await _thread(connection, comment) if comment.platform_parent_id else (),
                examples=await self._similar(connection, comment, analysis) if self._examples else (),
            )
        )

    async def _post(self, connection: Connection, comment: CommentEvent) -> str | None:
        if comment.platform_post_id is None:
            return None
        key = (comment.tenant_id, comment.platform, comment.account_id, comment.platform_post_id)
        if (known := self._posts.get(key)) is not None:
            return known[0]
        text = await connection.fetchval(
            "select text from posts where tenant_id = $1 and platform = $2 and account_id = $3 "
            "and platform_post_id = $4",
            *key,
        )
        self._posts.put(key, text)
        return text if isinstance(text, str) else None

    async def _similar(
        self, connection: Connection, comment: CommentEvent, analysis: Analysis
    ) -> list[Example]:
        key = (
            comment.tenant_id,
            comment.platform,
            comment.account_id,
            analysis.intent,
            analysis.language,
        )
        known = self._approved.get(key)
        candidates = known[0] if known is not None else await _approved(connection, key)
        if known is None:
            self._approved.put(key, candidates)
        letters = trigrams(comment.text)
        nearest = sorted(candidates, key=lambda each: likeness(trigrams(each.comment), letters), reverse=True)
        return nearest[: self._examples]


async def _approved(connection: Connection, key: tuple[str, ...]) -> list[Example]:
    """The latest replies of an account that people approved, for an intent and a language."""
    rows = await connection.fetch(
        """
        select c.text as asked, q.text as answered, c.author_name
        from reply_queue q
        join comments c on c.comment_id = q.comment_id
        join lateral (
            select intent, language from analyses where revision_id = q.revision_id
            order by enriched_at desc limit 1
        ) a on a.intent = $4 and a.language = $5
        where q.tenant_id = $1 and q.platform = $2 and q.account_id = $3
            and q.state = 'posted' and q.decided_by = 'person' and c.removed_at is null and c.text is not null
        order by q.enqueued_at desc limit $6
        """,
        *key,
        _CANDIDATES,
    )
    return [Example(row["asked"], _nameless(row["answered"], row["author_name"])) for row in rows]


def _nameless(text: str, author: str | None) -> str:
    """A reply without the name of whom it greeted."""
    name = safe_first_name(author)
    return re.sub(rf",?\s?\b{re.escape(name)}\b", "", text) if name else text


async def _drafted(connection: Connection, comment: CommentEvent) -> Draft | None:
    row = await connection.fetchrow(
        """
        select draft_id::text, revision_id::text, content, language, confidence_score, template,
            template_version, model, prompt_hash, reasons
        from generated_responses
        where comment_id = $1::uuid and revision_id = $2::uuid and origin = $3
        order by created_at limit 1
        """,
        comment.comment_id,
        revision_of(comment),
        DraftOrigin.LANGUAGE_MODEL,
    )
    if row is None:
        return None
    return Draft(
        draft_id=row["draft_id"],
        revision_id=row["revision_id"],
        text=row["content"],
        origin=DraftOrigin.LANGUAGE_MODEL,
        language=row["language"],
        confidence=round(row["confidence_score"], 4),
        template=row["template"],
        template_version=row["template_version"],
        model=row["model"],
        prompt_hash=row["prompt_hash"],
        reasons=tuple(row["reasons"]),
    )


async def _thread(connection: Connection, comment: CommentEvent) -> list[Said]:
    """What was said in the comment's thread before it, the oldest first."""
    rows = await connection.fetch(
        """
        with said as (
            select comment_id, text, coalesce(created_at, received_at) as at
            from comments
            where platform = $1 and account_id = $2 and comment_id <> $4::uuid and removed_at is null
                and (platform_comment_id = $3 or platform_parent_id = $3)
            order by at desc limit 20
        )
        select text, false as by_brand, at from said where text is not null
        union all
        select q.text, true, q.settled_at from reply_queue q
        where q.platform = $1 and q.account_id = $2 and q.thread_id = $3 and q.state = 'posted'
        union all
        select o.text, true, o.occurred_at from observed_replies o join said using (comment_id)
        where o.author = 'staff' and o.text is not null
        order by at desc limit $5
        """,
        comment.platform,
        comment.account_id,
        comment.thread_id,
        comment.comment_id,
        _THREAD,
    )
    return [Said(row["text"], row["by_brand"]) for row in reversed(rows)]
