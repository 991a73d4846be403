"""The comments of a media with their replies, read to the end.

Source: "IG Media Comments" and "IG Comment Replies": a listing holds top-level comments, newest first;
replies hang below each, and have pages of their own where there are many.
"""

import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.accounts import Account
from connectors.fields import moment
from connectors.instagram.mapping import from_listing
from connectors.instagram.reading import ITEM_FIELDS, LIST_FIELDS, PAGE_SIZE, replies_in
from connectors.marks import Mark
from connectors.meta.graph import Graph
from connectors.meta.paging import pages
from connectors.webhook import Ignored, MalformedChange
from schemas.events import CommentEvent, Source, utc_now


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of a listing; `replies`: how many hang below it, None for a reply."""

    item: Mapping[str, Any]
    post_id: str
    parent_id: str | None
    at: datetime
    replies: int | None


class Listing:
    """Reads listings for one account, whose user name is known."""

    def __init__(self, graph: Graph, account: Account) -> None:
        self._graph = graph
        self._account = account

    async def newest(
        self, media_id: str, *, since: datetime | None = None, mark: Mark | None = None
    ) -> AsyncIterator[Listed]:
        """Comments as they are listed, newest first, each followed by its replies.

        With `since`, reading stops after a whole page of older comments: replies to those are not found.
        """
        older = 0
        fields = {"fields": LIST_FIELDS}
        async for item in pages(self._graph, media_id, "comments", fields, size=PAGE_SIZE, mark=mark):
            now = utc_now()
            at = moment(item.get("timestamp"), now) or now
            below = await self._replies(item)
            yield Listed(item, media_id, None, at, len(below))
            for reply in below:
                replied = moment(reply.get("timestamp"), now) or now
                yield Listed(reply, media_id, str(item.get("id")), max(replied, at), None)
            older = older + 1 if since is not None and at < since else 0
            if older >= PAGE_SIZE:
                return

    async def comments(self, media_id: str) -> list[Listed]:
        """Comments and replies, oldest first, a reply never before its parent."""
        threads: list[list[Listed]] = []
        async for listed in self.newest(media_id):
            if listed.parent_id is None:
                threads.append([])
            threads[-1].append(listed)
        return sorted(itertools.chain.from_iterable(reversed(threads)), key=lambda listed: listed.at)

    def event(self, listed: Listed, source: Source) -> CommentEvent | Ignored:
        """What an item is."""
        try:
            return from_listing(
                listed.item,
                self._account,
                post_id=listed.post_id,
                parent_id=listed.parent_id,
                observed_at=utc_now(),
                source=source,
            )
        except MalformedChange as error:
            return Ignored(f"listing:{error.reason}")

    async def _replies(self, item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        below, complete = replies_in(item)
        if complete or not isinstance(item.get("id"), str):
            return below
        every = pages(self._graph, item["id"], "replies", {"fields": ITEM_FIELDS}, size=PAGE_SIZE)
        return [reply async for reply in every]
