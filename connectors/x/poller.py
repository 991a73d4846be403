"""Everything recently active on an X account.

Four reads, each to its end: the account's own posts; what names it (X puts its name before replies in its
conversations); by id, the posts at whose conversations' beginning those stand; and by search, the
conversations of the account itself, where answers among others no longer name it. X's search holds seven
days, its timelines 800 and 3,200 posts: what is older cannot be asked for.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.accounts import Account
from connectors.platform import Activity
from connectors.webhook import Ignored, MalformedChange
from connectors.x.api import FIELDS, Answer, Tweepy
from connectors.x.mapping import engagement, from_post, post_event
from connectors.x.pages import Found, oldest_first, pages
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

    async def activity(self, *, since: datetime, source: Source) -> AsyncIterator[Activity]:
        """Posts with their counts, then comments, oldest first; raises the tree of `connectors.platform`."""
        start = since.astimezone(UTC)
        own = oldest_first([item async for item in self._timeline("tweets", start, exclude="retweets")])
        named = oldest_first([item async for item in self._timeline("mentions", start)])
        roots = {
            item.post["id"]: item
            for item in (*own, *named)
            if item.post.get("conversation_id") == item.post["id"]
        }
        others = {
            conversation
            for item in (*own, *named)
            if is_id(conversation := item.post.get("conversation_id")) and conversation not in roots
        }
        roots |= {item.post["id"]: item async for item in self._by_id(sorted(others, key=int))}
        for root in oldest_first(roots.values()):
            for found in self._post(root):
                yield found
        ours = [key for key, item in roots.items() if item.post.get("author_id") == self._account.account_id]
        seen = set(ours)
        for item in oldest_first([*own, *named]):
            if item.post["id"] not in seen:
                seen.add(item.post["id"])
                for told in self._comment(item, source):
                    yield told
        async for item in self._conversations(sorted(ours, key=int), start):
            if item.post["id"] not in seen:
                for told in self._comment(item, source):
                    yield told

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

    def _comment(self, item: Found, source: Source) -> Iterable[Activity]:
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

    def _timeline(self, which: str, start: datetime, **more: Any) -> AsyncIterator[Found]:
        call = self._tweepy.get_users_tweets if which == "tweets" else self._tweepy.get_users_mentions

        async def of_account(**params: Any) -> Answer:
            answer: Answer = await call(self._account.account_id, **params)
            return answer

        return pages(
            of_account, "pagination_token", start_time=start, max_results=PAGE_SIZE, **FIELDS, **more
        )

    async def _by_id(self, ids: list[str]) -> AsyncIterator[Found]:
        """Posts by id; what is gone is left out."""
        for at in range(0, len(ids), PAGE_SIZE):
            async for item in pages(
                self._tweepy.get_tweets, "pagination_token", ids=ids[at : at + PAGE_SIZE], **FIELDS
            ):
                if is_id(item.post.get("id")):
                    yield item

    async def _conversations(self, ids: list[str], start: datetime) -> AsyncIterator[Found]:
        """What search finds in these conversations, oldest first within a query."""
        earliest = max(start, utc_now() - SEARCH_HOLDS)
        for query in queries(ids):
            found = pages(
                self._tweepy.search_recent_tweets,
                "next_token",
                query=query,
                start_time=earliest,
                max_results=PAGE_SIZE,
                **FIELDS,
            )
            for item in oldest_first([entry async for entry in found]):
                yield item


def queries(ids: Iterable[str]) -> list[str]:
    """Search queries for these conversations, each as long as X allows."""
    made: list[str] = []
    for term in (f"conversation_id:{post_id}" for post_id in ids):
        if made and len(made[-1]) + len(" OR ") + len(term) <= QUERY_LENGTH:
            made[-1] += f" OR {term}"
        else:
            made.append(term)
    return made
