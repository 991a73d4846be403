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
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import asyncpg

from infra import logs, metrics
from infra.postgres import AWAY, Pool
from replies.authors import safe_first_name
from replies.prompt import Example, Said, Surroundings
from replies.similarity import cosines
from schemas.events import Analysis, CommentEvent, DraftOrigin
from sinks.earlier_drafts import WrittenBefore
from streams.writing import Context

log = logs.get(__name__)
T = TypeVar("T")

_WITHIN: Final = 5.0
"""Seconds that a look-up may take; a server that is away is known at once."""

_AFTER_FAILURE: Final = 5.0
"""Seconds for which nothing is asked after a failure."""

_POSTS: Final = 5_000
_GROUPS: Final = 500
_CANDIDATES: Final = 200
_FRESH: Final = 60.0
_THREAD: Final = 6


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


class _Approved(NamedTuple):
    """An approved reply; `embedding` of the comment it answers, None where the same model made none."""

    example: Example
    embedding: bytes | None


class DraftContext:
    """Looks things up; `examples` is how many approved replies a prompt gets at most.

    They are those whose comments are nearest by embedding; the latest, where a comment has no embedding.
    """

    def __init__(self, pool: Pool, *, examples: int) -> None:
        self._pool = pool
        self._examples = examples
        self._posts: _Cache[Said | None] = _Cache(_POSTS)
        self._approved: _Cache[list[_Approved]] = _Cache(_GROUPS)
        # A template's too: it may have stood in after a call whose answer was of no use.
        self._before = WrittenBefore(pool, DraftOrigin.LANGUAGE_MODEL, DraftOrigin.TEMPLATE)
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
        draft = await self._before.of(comment)
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
                examples=await self._similar(account, analysis) if self._examples else (),
            )
        )

    async def _similar(self, account: tuple[str, ...], analysis: Analysis) -> list[Example]:
        key = (*account, analysis.intent.value, analysis.language, analysis.model_hash)
        approved = await self._approved.get(key, lambda: _approved(self._pool, key))
        if analysis.embedding is not None:
            approved = _nearest_first(approved, analysis.embedding)
        return [each.example for each in approved[: self._examples]]


def _nearest_first(approved: Sequence[_Approved], embedding: bytes) -> list[_Approved]:
    """Those without an embedding last, the latest first."""
    known = [each for each in approved if each.embedding is not None]
    near = cosines(embedding, [each.embedding for each in known if each.embedding is not None])
    return [known[place] for place in (-near).argsort(kind="stable")] + [
        each for each in approved if each.embedding is None
    ]


async def _post(pool: Pool, tenant: str, platform: str, account: str, post: str) -> Said | None:
    row = await pool.fetchrow(
        "select text, by_account from posts where tenant_id = $1 and platform = $2 and account_id = $3 "
        "and platform_post_id = $4",
        tenant,
        platform,
        account,
        post,
    )
    # Strangers' posts name an account, and visitors write on a page: their words are no ground of a draft.
    return Said(row["text"], row["by_account"] is True) if row is not None and row["text"] else None


async def _approved(pool: Pool, key: tuple[str, ...]) -> list[_Approved]:
    """The latest replies of an account that people approved, for an intent and a language."""
    rows = await pool.fetch(
        """
        select c.text as asked, q.text as answered, c.author_name,
            case when a.model_hash = $6 then a.embedding end as embedding
        from reply_queue q
        join comments c on c.comment_id = q.comment_id
        join lateral (
            select intent, language, model_hash, embedding from analyses where revision_id = q.revision_id
            order by enriched_at desc limit 1
        ) a on a.intent = $4 and a.language = $5
        where q.tenant_id = $1 and q.platform = $2 and q.account_id = $3
            and q.state = 'posted' and q.decided_by = 'person' and c.removed_at is null and c.text is not null
        order by q.enqueued_at desc limit $7
        """,
        *key,
        _CANDIDATES,
    )
    return [
        _Approved(Example(row["asked"], _nameless(row["answered"], row["author_name"])), row["embedding"])
        for row in rows
    ]


def _nameless(text: str, author: str | None) -> str:
    """A reply without the name of whom it greeted."""
    name = safe_first_name(author)
    return re.sub(rf",?\s?\b{re.escape(name)}\b", "", text) if name else text


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
