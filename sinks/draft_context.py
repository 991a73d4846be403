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
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final, Generic, TypeVar

import asyncpg

from infra import logs, metrics
from infra.postgres import AWAY, Pool
from replies.authors import safe_first_name
from replies.prompt import Example, Said, Surroundings
from replies.similarity import likeness, trigrams
from replies.verdict import revision_of
from schemas.events import Analysis, CommentEvent, Draft, DraftOrigin
from streams.writing import Context

log = logs.get(__name__)
T = TypeVar("T")

_WITHIN: Final = 5.0
"""Seconds that a look-up may take; a server that is away is known at once."""

_AFTER_FAILURE: Final = 5.0
"""Seconds for which nothing is asked after a failure."""

_TOGETHER: Final = 0.005
"""Seconds for which look-ups are gathered into one query."""

_POSTS: Final = 5_000
_GROUPS: Final = 2_000
_CANDIDATES: Final = 50
_FRESH: Final = 60.0
_THREAD: Final = 6

_Wording = tuple[str, str]
"""Comment id and revision id."""


class _Cache(Generic[T]):
    """The latest, for a while; who asks for what is being read waits for that reading."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, ...], tuple[float, asyncio.Task[T]]] = OrderedDict()

    async def get(self, key: tuple[str, ...], read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        until, reading = self._kept.get(key, (0.0, None))
        if reading is None or time.monotonic() >= until or _failed(reading):
            reading = asyncio.create_task(read())
            self._kept.pop(key, None)
            self._kept[key] = (time.monotonic() + _FRESH, reading)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return await asyncio.shield(reading)


def _failed(reading: "asyncio.Task[T]") -> bool:
    return reading.done() and (reading.cancelled() or reading.exception() is not None)


class _WrittenBefore:
    """The first draft of a wording by these origins, those of the first before others.

    What is asked within a moment is one query.
    """

    def __init__(self, pool: Pool, *origins: DraftOrigin) -> None:
        self._pool = pool
        self._origins = origins
        self._asked: set[_Wording] = set()
        self._answering: asyncio.Task[dict[_Wording, Draft]] | None = None

    async def of(self, wording: _Wording) -> Draft | None:
        """The draft, None if there is none; raises what asyncpg raises."""
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        self._asked.add(wording)
        return (await asyncio.shield(self._answering)).get(wording)

    async def _answer(self) -> dict[_Wording, Draft]:
        await asyncio.sleep(_TOGETHER)
        asked, self._asked, self._answering = self._asked, set(), None
        return await _drafts(self._pool, asked, self._origins)


class EarlierDrafts:
    """The machine's first draft of a wording: a replay repeats the past, not its chances.

    Without Postgres a replayed comment is drafted anew, which changes no decision.
    """

    def __init__(self, pool: Pool) -> None:
        self._before = _WrittenBefore(pool, DraftOrigin.TEMPLATE, DraftOrigin.LANGUAGE_MODEL)

    async def __call__(self, comment: CommentEvent) -> Draft | None:
        """The draft, or None if there is none or it cannot be read now."""
        try:
            async with asyncio.timeout(_WITHIN):
                return await self._before.of((comment.comment_id, revision_of(comment)))
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("a replayed comment is drafted anew", error=type(error).__name__)
            return None


class DraftContext:
    """Looks things up; `examples` is how many approved replies a prompt gets at most."""

    def __init__(self, pool: Pool, *, examples: int) -> None:
        self._pool = pool
        self._examples = examples
        self._posts: _Cache[str | None] = _Cache(_POSTS)
        self._approved: _Cache[list[tuple[Example, frozenset[str]]]] = _Cache(_GROUPS)
        # A template's too: it may have stood in after a call whose answer was of no use.
        self._before = _WrittenBefore(pool, DraftOrigin.LANGUAGE_MODEL, DraftOrigin.TEMPLATE)
        self._silent_until = 0.0

    async def __call__(self, comment: CommentEvent, analysis: Analysis) -> Context:
        """What is known; nothing at all where Postgres cannot be asked."""
        if time.monotonic() >= self._silent_until:
            try:
                async with asyncio.timeout(_WITHIN):
                    return await self._found(comment, analysis)
            except (*AWAY, asyncpg.PostgresError) as error:
                if time.monotonic() >= self._silent_until:  # else another look-up has just said so
                    log.warning("drafts are written without their surroundings", error=type(error).__name__)
                self._silent_until = time.monotonic() + _AFTER_FAILURE
        metrics.CONTEXT_MISSED.inc()
        return Context(Surroundings())

    async def _found(self, comment: CommentEvent, analysis: Analysis) -> Context:
        draft = await self._before.of((comment.comment_id, revision_of(comment)))
        if draft is not None:
            return Context(Surroundings(), draft)
        post_id = comment.platform_post_id
        account = (comment.tenant_id, comment.platform.value, comment.account_id)
        return Context(
            Surroundings(
                post=await self._posts.get((*account, post_id), lambda: _post(self._pool, *account, post_id))
                if post_id
                else None,
                thread=await _thread(self._pool, comment) if comment.platform_parent_id else (),
                examples=await self._similar(account, comment, analysis) if self._examples else (),
            )
        )

    async def _similar(
        self, account: tuple[str, ...], comment: CommentEvent, analysis: Analysis
    ) -> list[Example]:
        key = (*account, analysis.intent.value, analysis.language)
        candidates = await self._approved.get(key, lambda: _approved(self._pool, key))
        letters = trigrams(comment.text)
        nearest = sorted(candidates, key=lambda each: likeness(each[1], letters), reverse=True)
        return [example for example, _ in nearest[: self._examples]]


async def _post(pool: Pool, tenant: str, platform: str, account: str, post: str) -> str | None:
    text = await pool.fetchval(
        "select text from posts where tenant_id = $1 and platform = $2 and account_id = $3 "
        "and platform_post_id = $4",
        tenant,
        platform,
        account,
        post,
    )
    return text if isinstance(text, str) else None


async def _approved(pool: Pool, key: tuple[str, ...]) -> list[tuple[Example, frozenset[str]]]:
    """The latest replies of an account that people approved, for an intent and a language."""
    rows = await pool.fetch(
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
    return [
        (Example(row["asked"], _nameless(row["answered"], row["author_name"])), trigrams(row["asked"]))
        for row in rows
    ]


def _nameless(text: str, author: str | None) -> str:
    """A reply without the name of whom it greeted."""
    name = safe_first_name(author)
    return re.sub(rf",?\s?\b{re.escape(name)}\b", "", text) if name else text


async def _drafts(
    pool: Pool, wordings: Collection[_Wording], origins: Collection[DraftOrigin]
) -> dict[_Wording, Draft]:
    """The first draft by the foremost of these origins for each of these wordings that has one."""
    rows = await pool.fetch(
        """
        select distinct on (g.comment_id, g.revision_id) g.comment_id::text, g.draft_id::text,
            g.revision_id::text, g.content, g.language, g.confidence_score, g.template, g.template_version,
            g.model, g.prompt_hash, g.reasons, g.origin
        from unnest($1::uuid[], $2::uuid[]) as w (comment_id, revision_id)
        join generated_responses g on g.comment_id = w.comment_id and g.revision_id = w.revision_id
        where g.origin = any ($3::text[])
        order by g.comment_id, g.revision_id, array_position($3::text[], g.origin), g.created_at
        """,
        [comment for comment, _ in wordings],
        [revision for _, revision in wordings],
        [origin.value for origin in origins],
    )
    return {
        (row["comment_id"], row["revision_id"]): Draft(
            draft_id=row["draft_id"],
            revision_id=row["revision_id"],
            text=row["content"],
            origin=DraftOrigin(row["origin"]),
            language=row["language"],
            confidence=round(row["confidence_score"], 4),
            template=row["template"],
            template_version=row["template_version"],
            model=row["model"],
            prompt_hash=row["prompt_hash"],
            reasons=tuple(row["reasons"]),
        )
        for row in rows
    }


async def _thread(pool: Pool, comment: CommentEvent) -> list[Said]:
    """What was said in the comment's thread before it, the oldest first."""
    rows = await pool.fetch(
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
