"""Fields and pages of the simulated API. Pure.

A page that nothing follows has no `paging`, as recorded. Cursors are positions in the whole listing.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.instagram.simulator.world import AccountWorld
from connectors.meta.simulator.cursors import cursor_of, position_of, time_of
from connectors.simulation import Comment, Post

_COMMENT_DEFAULT: Final = "id,text,timestamp"
_FIELD: Final = re.compile(r"([a-z_]+)(?:\.limit\((\d+)\))?(?:\{([^}]*)\})?(?:,|$)")
_LIMIT: Final = 25
_MOST: Final = 50


class Listings:
    """One account's nodes and pages; `url`: what addresses of next pages begin with."""

    def __init__(self, world: AccountWorld, url: str) -> None:
        self._world = world
        self._url = url

    def comment(self, comment: Comment, wanted: object) -> dict[str, Any]:
        """A comment's node; unknown fields, and edges without items, are left out."""
        asked = _asked(wanted or _COMMENT_DEFAULT)
        own = self._world.is_own(comment)
        author = {"id": comment.author_id, "username": comment.author_name}
        everything: dict[str, Any] = {
            "text": comment.text,
            "timestamp": time_of(comment.created),
            "username": comment.author_name,
            "from": author,
            "user": {"id": comment.author_id} if own else None,
            "parent_id": comment.parent_id,
            "hidden": comment.hidden,
            "like_count": comment.likes,
            "media": {"id": comment.post_id, "media_product_type": "FEED"},
        }
        found = {name: value for name, value in everything.items() if name in asked and value is not None}
        if "replies" in asked:
            self._edge(found, "replies", comment.replies, asked["replies"], comment.id)
        return {**found, "id": comment.id}

    def media(self, post: Post, wanted: object, *, blind: bool = False) -> dict[str, Any]:
        """A media's node; `blind`: comments are counted and not shown."""
        asked = _asked(wanted or "id")
        there = [key for key in post.comments if not self._world.comments[key].removed]
        everything: dict[str, Any] = {
            "caption": post.text,
            "permalink": f"https://www.instagram.com/p/{post.id}/",
            "timestamp": time_of(post.created),
            "like_count": post.likes,
            "comments_count": len(there),
            "media_product_type": "FEED",
            "username": self._world.account_name,
        }
        found = {name: value for name, value in everything.items() if name in asked}
        if "comments" in asked and not blind:
            self._edge(found, "comments", self._world.newest_first(post.id), asked["comments"], post.id)
        return {**found, "id": post.id}

    def comments(
        self, keys: Sequence[str], params: Mapping[str, Any], path: str, *, empty: bool = False
    ) -> dict[str, Any]:
        """One page of comments or replies; `empty`: nothing on this one, although more follows."""
        start, end, paging = self._page(len(keys), params, path, empty=empty)
        now = time.time()
        shown = [self._world.comments[key] for key in keys[start:end]]
        data = [
            self.comment(comment, params.get("fields"))
            for comment in shown
            if not comment.removed and comment.listed_from <= now
        ]
        return {"data": data, **paging}

    def all_media(self, params: Mapping[str, Any], path: str, *, blind: bool = False) -> dict[str, Any]:
        """One page of the account's media, newest first."""
        posts = [post for post in reversed(self._world.posts.values()) if not post.removed]
        start, end, paging = self._page(len(posts), params, path, empty=False)
        return {
            "data": [self.media(post, params.get("fields"), blind=blind) for post in posts[start:end]],
            **paging,
        }

    def _edge(
        self,
        found: dict[str, Any],
        name: str,
        keys: Sequence[str],
        asked: re.Match[str],
        parent_id: str,
    ) -> None:
        edge = self.comments(keys, {"limit": asked[2], "fields": asked[3]}, f"{parent_id}/{name}")
        if edge["data"]:
            found[name] = edge

    def _page(
        self, total: int, params: Mapping[str, Any], path: str, *, empty: bool
    ) -> tuple[int, int, dict[str, Any]]:
        given = str(params.get("limit") or "")
        limit = min(max(int(given) if given.isdigit() else _LIMIT, 1), _MOST)
        start = position_of(params.get("after"))
        end = start if empty else min(start + limit, total)
        if end >= total:
            return start, end, {}
        after = cursor_of(end, params.get("after"), empty=empty)
        following = f"{self._url}/{path}?limit={limit}&after={after}"
        return start, end, {"paging": {"cursors": {"after": after}, "next": following}}


def _asked(wanted: object) -> dict[str, re.Match[str]]:
    return {match[1]: match for match in _FIELD.finditer(str(wanted))}
