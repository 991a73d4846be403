"""Everything recently active on an X account.

Two timelines, each to its end, newest first: the account's own posts, and what names it (X puts its name
before replies in its conversations). Page by page: by id, the posts with which the page's conversations
begin; and by search, the conversations of the account itself, where answers among others no longer name it.
X's search holds seven days, its timelines 800 and 3,200 posts: what is older cannot be asked for.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.accounts import Account
from connectors.marks import Mark, Marks
from connectors.platform import Activity
from connectors.webhook import Ignored, MalformedChange
from connectors.x.api import FIELDS, Answer, Tweepy
from connectors.x.mapping import engagement, from_post, post_event
from connectors.x.pages import Found, oldest_first, pages, whole_pages
from connectors.x.posts import is_id
from schemas.events import CommentEvent, CommentKind, Source, utc_now

PAGE_SIZE: Final = 100
SEARCH_HOLDS: Final = timedelta(days=7) - timedelta(minutes=5)
"""Search refuses a start time before its seven days; the margin is for clocks that differ."""

QUERY_LENGTH: Final = 512
"""Most characters of a search query of self-serve apps."""


class Poller:
    """One account's; nothing is kept between polls."""

    def __init__(self, account: Account, tweepy: Tweepy) -> None:
        self._account = account
        self._tweepy = tweepy

    async def activity(self, *, since: datetime, source: Source, marks: Marks) -> AsyncIterator[Activity]:
        """Each post with its counts, then its comments; raises the tree of `connectors.outcomes`."""
        start = since.astimezone(UTC)
        begun: set[str] = set()
        seen: set[str] = set()
        for name, call, more in (
            ("tweets", self._tweepy.get_users_tweets, {"exclude": "retweets"}),
            ("mentions", self._tweepy.get_users_mentions, {}),
        ):
            if marks.is_done(name):
                continue
            async for page in self._timeline(call, start, marks.outer(name), **more):
                roots = await self._roots(page, begun)
                for root in roots:
                    for found in self._post(root):
                        yield found
                ours = [
                    root.post["id"]
                    for root in roots
                    if root.post.get("author_id") == self._account.account_id
                ]
                begun.update(root.post["id"] for root in roots)
                seen.update(ours)
                for item in page:
                    for told in self._comment(item, source, seen):
                        yield told
                async for item in self._conversations(sorted(ours, key=int), start, marks, name):
                    for told in self._comment(item, source, seen):
                        yield told
            marks.done(name)

    async def _roots(self, page: list[Found], begun: set[str]) -> list[Found]:
        """The posts with which the page's conversations begin, but for those given before; oldest first."""
        here = {item.post["id"]: item for item in page if item.post.get("conversation_id") == item.post["id"]}
        others = {
            conversation
            for item in page
            if is_id(conversation := item.post.get("conversation_id")) and conversation not in here
        }
        fetched = [item async for item in self._by_id(sorted(others - begun, key=int))]
        return [root for root in oldest_first([*here.values(), *fetched]) if root.post["id"] not in begun]

    def _post(self, root: Found) -> Iterable[Activity]:
        now = utc_now()
        try:
            yield post_event(root.post, root.includes, self._account, now)
            counts = engagement(root.post, self._account, now)
        except MalformedChange as error:
            yield Ignored(f"listing:{error.reason}")
            return
        if counts is not None:
            yield counts

    def _comment(self, item: Found, source: Source, seen: set[str]) -> Iterable[Activity]:
        """What a post is, the first time that it is seen."""
        if item.post["id"] in seen:
            return
        seen.add(item.post["id"])
        now = utc_now()
        try:
            event = from_post(item.post, item.includes, self._account, now, source, concerns_account=True)
            yield event
            if isinstance(event, CommentEvent) and event.kind is CommentKind.ADDED:
                counts = engagement(item.post, self._account, now, comment_id=event.comment_id)
                if counts is not None:
                    yield counts
        except MalformedChange as error:
            yield Ignored(f"listing:{error.reason}")

    async def _timeline(
        self, call: Callable[..., Awaitable[Answer]], start: datetime, mark: Mark, **more: Any
    ) -> AsyncIterator[list[Found]]:
        async def of_account(**params: Any) -> Answer:
            return await call(self._account.account_id, **params)

        listed = whole_pages(
            of_account, "pagination_token", mark, start_time=start, max_results=PAGE_SIZE, **FIELDS, **more
        )
        async for page in listed:
            yield oldest_first(page)

    async def _by_id(self, ids: list[str]) -> AsyncIterator[Found]:
        """Posts by id; what is gone is left out."""
        for at in range(0, len(ids), PAGE_SIZE):
            async for item in pages(
                self._tweepy.get_tweets, "pagination_token", ids=ids[at : at + PAGE_SIZE], **FIELDS
            ):
                if is_id(item.post.get("id")):
                    yield item

    async def _conversations(
        self, ids: list[str], start: datetime, marks: Marks, below: str
    ) -> AsyncIterator[Found]:
        """What search finds in these conversations."""
        earliest = max(start, utc_now() - SEARCH_HOLDS)
        for query in queries(ids):
            name = f"{below}>{query}"
            if marks.is_done(name):
                continue
            listed = whole_pages(
                self._tweepy.search_recent_tweets,
                "next_token",
                marks.leaf(name),
                query=query,
                start_time=earliest,
                max_results=PAGE_SIZE,
                **FIELDS,
            )
            async for page in listed:
                for item in oldest_first(page):
                    yield item
            marks.done(name)


def queries(ids: Iterable[str]) -> list[str]:
    """Search queries for these conversations, each as long as X allows."""
    made: list[str] = []
    for term in (f"conversation_id:{post_id}" for post_id in ids):
        if made and len(made[-1]) + len(" OR ") + len(term) <= QUERY_LENGTH:
            made[-1] += f" OR {term}"
        else:
            made.append(term)
    return made
