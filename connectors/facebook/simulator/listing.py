"""Fields and pages of the simulated Graph API. Pure.

Cursors are positions: they stay right while comments are added or removed.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from connectors.facebook.ids import last_part
from connectors.meta.simulator.cursors import cursor_of, position_of, time_of
from connectors.simulation import Comment, Post, World

_DEFAULT: Final = "created_time,from,message,id"
_FIELD: Final = re.compile(r"([a-z_]+)((?:\.[a-z_]+\([^)]*\))*)(?:\{([^}]*)\})?(?:,|$)")
_SIZE: Final = re.compile(r"\.limit\((\d+)\)")
_LIMIT: Final = 25
_MOST: Final = 100


def fields_of(world: World, found: Comment | Post, wanted: object) -> dict[str, Any]:
    """The fields asked for, of a comment or a post; unknown ones, and edges without items, are left out."""
    everything = _comment(world, found) if isinstance(found, Comment) else _post(world, found)
    asked = {match[1]: match for match in _FIELD.finditer(str(wanted or _DEFAULT))}
    content = {name: value for name, value in everything.items() if name in asked and value is not None}
    content["id"] = found.id
    if "comments" in asked and isinstance(found, Comment):
        size = _SIZE.search(asked["comments"][2])
        params = {"limit": size[1] if size else None, "fields": asked["comments"][3]}
        edge = page(world, found, params, f"https://graph.facebook.com/{found.id}/comments", empty=False)
        if edge["data"]:
            content["comments"] = edge
    return content


def page(
    world: World, parent: Post | Comment, params: Mapping[str, Any], url: str, *, empty: bool
) -> dict[str, Any]:
    """One page of a listing; `empty`: nothing on this one, although more follows."""
    keys = world.below(parent, toplevel=params.get("filter") != "stream")
    if params.get("order") == "reverse_chronological":
        keys = keys[::-1]
    limit, start = _limit(params), position_of(params.get("after"))
    end = start if empty else min(start + limit, len(keys))
    now = time.time()
    shown = [
        comment
        for comment in (world.comments[key] for key in keys[start:end])
        if not comment.removed and comment.listed_from <= now
    ]
    content: dict[str, Any] = {
        "data": [fields_of(world, comment, params.get("fields")) for comment in shown],
    }
    if shown or end < len(keys):
        after = cursor_of(end, params.get("after"), empty=empty)
        content["paging"] = {"cursors": {"before": cursor_of(start), "after": after}}
        if end < len(keys):
            content["paging"]["next"] = f"{url.partition('?')[0]}?limit={limit}&after={after}"
    if str(params.get("summary")).lower() in ("1", "true"):
        content["summary"] = {"order": "chronological", "total_count": len(keys), "can_comment": True}
    return content


def posts(world: World, params: Mapping[str, Any], url: str) -> dict[str, Any]:
    """One page of the page's posts, the newest first."""
    there = [post for post in reversed(world.posts.values()) if not post.removed]
    limit, start = _limit(params), position_of(params.get("after"))
    end = min(start + limit, len(there))
    content: dict[str, Any] = {
        "data": [fields_of(world, post, params.get("fields")) for post in there[start:end]]
    }
    if start < len(there):
        content["paging"] = {"cursors": {"before": cursor_of(start), "after": cursor_of(end)}}
        if end < len(there):
            content["paging"]["next"] = f"{url.partition('?')[0]}?limit={limit}&after={cursor_of(end)}"
    return content


def _limit(params: Mapping[str, Any]) -> int:
    return min(max(int(params["limit"]) if str(params.get("limit", "")).isdigit() else _LIMIT, 1), _MOST)


def _comment(world: World, comment: Comment) -> dict[str, Any]:
    own = comment.author_id == world.account_id
    return {
        "id": comment.id,
        "message": comment.text,
        "from": {"name": comment.author_name, "id": comment.author_id},
        "created_time": time_of(comment.created),
        "parent": _parent(world, comment.parent_id),
        "is_hidden": comment.hidden,
        "can_comment": True,
        "can_hide": not own,
        "can_remove": True,
        "comment_count": sum(not world.comments[key].removed for key in comment.replies),
        "like_count": comment.likes,
        "permalink_url": _permalink(comment),
        "attachment": {"type": "photo", "url": comment.photo} if comment.photo else None,
    }


def _parent(world: World, parent_id: str | None) -> dict[str, Any] | None:
    if parent_id is None:
        return None
    parent = world.comments[last_part(parent_id)]
    return {"id": parent.id, "message": parent.text, "created_time": time_of(parent.created)}


def _post(world: World, post: Post) -> dict[str, Any]:
    newest = max((world.comments[key].created for key in post.comments[-1:]), default=post.created)
    there = sum(not world.comments[key].removed for key in post.comments)
    return {
        "id": post.id,
        "message": post.text,
        "from": {"name": world.account_name, "id": world.account_id},
        "created_time": time_of(post.created),
        "updated_time": time_of(newest),
        "likes": {"data": [], "summary": {"total_count": post.likes}},
        "comments": {"data": [], "summary": {"order": "chronological", "total_count": there}},
        "permalink_url": f"https://www.facebook.com/{post.id.replace('_', '/posts/')}",
    }


def _permalink(comment: Comment) -> str:
    page_id, _, post = comment.post_id.partition("_")
    last = last_part(comment.id)
    query = f"comment_id={last}"
    if comment.parent_id is not None:
        query = f"comment_id={last_part(comment.parent_id)}&reply_comment_id={last}"
    return f"https://www.facebook.com/{page_id}/posts/{post}/?{query}"
