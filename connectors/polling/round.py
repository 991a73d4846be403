"""One look at one account: what it lists is compared with what is stored, and what is news is published.

What the platform listed before it failed is published all the same. Whatever is published twice (a crash
before Postgres has it) has the same ids and is stopped by the stages.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, cast

from connectors.marks import Marks
from connectors.outcomes import RequestRefused
from connectors.platform import Activity, PlatformClient
from connectors.polling import comparing
from connectors.polling.comparing import Stored
from connectors.polling.known import Known
from connectors.polling.news import Count, Item, News
from connectors.polling.patience import Patience
from schemas.events import CommentEvent, CommentKind, EngagementEvent, PostEvent, Source, utc_now

CHUNK: Final = 200
"""Items compared with Postgres at once."""

MOST_READS: Final = 100
"""Direct reads of absent comments a round, and of removed ones that are listed; others in later rounds."""

Reached = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    return None


class Round:
    """`run` is one look. `count` is told `comment:<kind>`, `post`, `engagement`, `ignored:<reason>`."""

    def __init__(
        self,
        client: PlatformClient,
        known: Known,
        news: News,
        absent: Patience,
        count: Count,
    ) -> None:
        """`absent`: comments of which listing and read differ, by id: read again after ever longer times."""
        self._client = client
        self._known = known
        self._news = news
        self._absent = absent
        self._count = count
        self._reads = 0

    async def run(
        self,
        since: datetime,
        source: Source = Source.POLL,
        *,
        before: datetime | None = None,
        marks: Marks | None = None,
        reached: Reached = _nothing,
    ) -> None:
        """Looks at everything active since then; raises what reads raise (see `connectors.outcomes`).

        Comments written `before` alone are taken, where it is given. With the `marks` of a look that was
        broken off it goes on there. `reached` is called each time that all which they cover is acknowledged.
        """
        began, seen = utc_now(), set[str]()
        chunk: list[Activity] = []
        whole = True
        listing = self._client.activity(since=since, source=source, marks=marks)
        try:
            async with aclosing(cast(Any, listing)) as items:
                async for item in items:
                    if before is not None and isinstance(item, CommentEvent) and item.occurred_at >= before:
                        continue
                    chunk.append(item)
                    if len(chunk) >= CHUNK:
                        taken, chunk, whole = chunk, [], False
                        await self._settle(taken, seen, source)
                        whole = True
                        await reached()
        finally:
            await self._settle(chunk, seen, source)
            if whole:
                await reached()
        if source is Source.POLL:
            await self._look_for_removals(since, began, seen)

    async def post(self, platform_post_id: str) -> bool:
        """Fetches one post that a comment named; False if it is gone."""
        found = await self._client.read_post(platform_post_id)
        if found is not None:
            await self._news.publish([found], Source.POLL, self._count)
        return found is not None

    async def _settle(self, chunk: Sequence[Activity], seen: set[str], source: Source) -> None:
        comments = [item for item in chunk if isinstance(item, CommentEvent)]
        seen.update(item.comment_id for item in comments if item.kind is not CommentKind.REPLY_OBSERVED)
        news: list[Item] = []
        posts = {item.platform_post_id: item for item in chunk if isinstance(item, PostEvent)}
        stored_posts = await self._known.posts(self._client.account, list(posts)) if posts else {}
        for post_id, post in posts.items():
            if stored_posts.get(post_id) != (post.text or "", post.permalink or "", post.by_account):
                news.append(post)
        news += [item for item in chunk if isinstance(item, EngagementEvent)]
        news += await self._compared(comments)
        for item in chunk:
            if not isinstance(item, (PostEvent, EngagementEvent, CommentEvent)):
                self._count(f"ignored:{item.reason}", 1)
        await self._news.publish(news, source, self._count)

    async def _compared(self, comments: Sequence[CommentEvent]) -> list[CommentEvent]:
        own = [item for item in comments if item.kind is CommentKind.REPLY_OBSERVED]
        replies = await self._known.replies([(item.comment_id, item.reply_id or "") for item in own])
        found = [item for item in own if (item.comment_id, item.reply_id) not in replies]
        others = [item for item in comments if item.kind is not CommentKind.REPLY_OBSERVED]
        stored = await self._known.comments([item.comment_id for item in others])
        for item in others:
            known = stored.get(item.comment_id)
            if comparing.is_new(known):
                found.append(item)
            elif comparing.is_edited(item, known) and (edit := await self._confirmed(item, known)):
                found.append(edit)
            if known is not None and known.removed_at is not None:
                if back := await self._restored(item, known.removed_at):
                    found.append(back)
            elif known is not None and (change := comparing.hidden(item, known)):
                found.append(change)
        return found

    async def _confirmed(self, seen: CommentEvent, stored: Stored | None) -> CommentEvent | None:
        read_at = utc_now()
        try:
            state = await self._client.read_comment(seen.platform_comment_id)
        except RequestRefused:
            self._count("read:refused", 1)  # one comment that cannot be read must not end the look at all
            return None
        if not state.exists:
            return comparing.removed(seen, read_at)
        revision = state.revision_id(seen.comment_id)
        if stored is not None and revision == stored.revision_id:
            return None
        return comparing.edited(seen, state, read_at, revision)

    async def _restored(self, seen: CommentEvent, removed_at: datetime) -> CommentEvent | None:
        """A removed comment that is listed, which proves nothing: a direct read that finds it does."""
        key = f"back:{seen.comment_id}"
        if self._reads >= MOST_READS or not self._absent.is_due(key):
            return None
        self._reads += 1
        read_at = utc_now()
        try:
            state = await self._client.read_comment(seen.platform_comment_id)
        except RequestRefused:
            self._count("read:refused", 1)
            self._absent.looked(key)
            return None
        self._absent.looked(key)
        return comparing.restored(seen, state, read_at, removed_at) if state.exists else None

    async def _look_for_removals(self, since: datetime, began: datetime, seen: set[str]) -> None:
        """Absence proves nothing: absent comments are read, those first whose read is longest ago.

        What is there though no listing names it is read again later, since it can be removed after that.
        """
        absent = [
            known
            for known in await self._known.since(self._client.account, since, began)
            if known.comment_id not in seen and self._absent.is_due(known.comment_id)
        ]
        absent.sort(key=lambda known: self._absent.due_at(known.comment_id))
        for known in absent[:MOST_READS]:
            read_at = utc_now()
            try:
                state = await self._client.read_comment(known.platform_comment_id)
            except RequestRefused:
                self._count("read:refused", 1)
            else:
                if not state.exists:
                    await self._news.publish([comparing.removed(known, read_at)], Source.POLL, self._count)
            self._absent.looked(known.comment_id)
