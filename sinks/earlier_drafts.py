"""Drafts that were made before, by the wording that they answer."""

import asyncio
from collections.abc import Collection
from typing import Final

import asyncpg

from infra import logs
from infra.postgres import AWAY, Pool
from replies.verdict import revision_of
from schemas.events import CommentEvent, Draft, DraftOrigin
from sinks.stored_drafts import DRAFT, draft_of

log = logs.get(__name__)

_WITHIN: Final = 5.0
"""Seconds that a look-up may take; a server that is away is known at once."""

_TOGETHER: Final = 0.005
"""Seconds for which look-ups are gathered into one query."""

_Wording = tuple[str, str]
"""Comment id and revision id."""


class WrittenBefore:
    """The first draft of a wording by these origins, those of the first before others.

    What is asked within a moment is one query.
    """

    def __init__(self, pool: Pool, *origins: DraftOrigin) -> None:
        self._pool = pool
        self._origins = origins
        self._asked: set[_Wording] = set()
        self._answering: asyncio.Task[dict[_Wording, Draft]] | None = None

    async def of(self, comment: CommentEvent) -> Draft | None:
        """The draft, None if there is none; raises what asyncpg raises."""
        wording = (comment.comment_id, revision_of(comment))
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
        self._before = WrittenBefore(pool, DraftOrigin.TEMPLATE, DraftOrigin.LANGUAGE_MODEL)

    async def __call__(self, comment: CommentEvent) -> Draft | None:
        """The draft, or None if there is none or it cannot be read now."""
        try:
            async with asyncio.timeout(_WITHIN):
                return await self._before.of(comment)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("a replayed comment is drafted anew", error=type(error).__name__)
            return None


async def _drafts(
    pool: Pool, wordings: Collection[_Wording], origins: Collection[DraftOrigin]
) -> dict[_Wording, Draft]:
    """The first draft by the foremost of these origins for each of these wordings that has one."""
    rows = await pool.fetch(
        f"""
        select distinct on (g.comment_id, g.revision_id) g.comment_id::text, g.revision_id::text, {DRAFT}
        from unnest($1::uuid[], $2::uuid[]) as w (comment_id, revision_id)
        join generated_responses g on g.comment_id = w.comment_id and g.revision_id = w.revision_id
        where g.origin = any ($3::text[])
        order by g.comment_id, g.revision_id, array_position($3::text[], g.origin), g.created_at
        """,  # noqa: S608
        [comment for comment, _ in wordings],
        [revision for _, revision in wordings],
        [origin.value for origin in origins],
    )
    return {(row["comment_id"], row["revision_id"]): draft_of(row) for row in rows}
