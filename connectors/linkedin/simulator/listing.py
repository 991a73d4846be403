"""Objects and pages of the simulated API.

Pages begin at a position among what exists now, as Rest.li's do: a comment that goes while they are read
moves the rest.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from connectors.linkedin.simulator.world import OrganisationWorld, activity_of
from connectors.linkedin.urns import comment_urn
from connectors.simulation import Comment, Faults, Post

_COUNT: Final = 10
_MOST: Final = 100


def page(
    items: Sequence[Any],
    path: str,
    query: Mapping[str, str],
    faults: Faults,
    holes: dict[str, tuple[int, int]],
    show: Callable[[Any], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """One page of a collection, each of its items as `show` has it, with the paging that the faults leave.

    `holes`: where, by path, a fault has made an empty page: kept, because it is there on the next call too.
    """
    start = _number(query.get("start"), 0)
    count = min(max(_number(query.get("count"), _COUNT), 1), _MOST)
    if start + count < len(items) and faults.strikes("empty_page"):
        holes[path] = (start, count)
    if path in holes:
        # Comments that this member may not see have a place in the collection, and are not shown.
        at, width = holes[path]
        items = [*items[:at], *[None] * width, *items[at:]]
    more = start + count < len(items)
    paging: dict[str, Any] = {"start": start, "count": count, "links": [], "total": len(items)}
    if more:
        href = f"{path}?{urlencode({**query, 'start': start + count, 'count': count})}"
        paging["links"] = [{"type": "application/json", "rel": "next", "href": href}]
    shown = [show(item) for item in items[start : start + count] if item is not None]
    if faults.strikes("no_links"):
        paging["links"] = []
    if faults.strikes("no_total"):
        paging["links"] = []
        del paging["total"]
    return {"paging": paging, "elements": shown}


def comment_object(world: OrganisationWorld, comment: Comment) -> dict[str, Any]:
    """A comment as the Comments API shows it."""
    named = comment_urn(comment.id)
    replies = sum(not world.comments[key].removed for key in comment.replies)
    created, edited = int(comment.created * 1000), int((comment.edited or comment.created) * 1000)
    shown: dict[str, Any] = {
        "id": named.number if named else comment.id,
        "commentUrn": comment.id,
        "object": named.post if named else comment.post_id,
        "actor": comment.author_id,
        "message": {"attributes": [], "text": comment.text},
        "created": {"actor": comment.author_id, "time": created},
        "lastModified": {"actor": comment.author_id, "time": edited},
        "likesSummary": {
            "selectedLikes": [],
            "aggregatedTotalLikes": comment.likes,
            "likedByCurrentUser": False,
            "totalLikes": comment.likes,
        },
        "commentsSummary": {
            "selectedComments": [],
            "totalFirstLevelComments": replies,
            "aggregatedTotalComments": replies,
        },
    }
    if comment.parent_id is not None:
        shown["parentComment"] = comment.parent_id
    if comment.photo:
        shown["content"] = [{"type": "IMAGE", "url": comment.photo, "entity": {"image": "urn:li:image:C1"}}]
    return shown


def post_object(world: OrganisationWorld, post: Post) -> dict[str, Any]:
    """A post as the Posts API shows it, which never names its activity."""
    at = int(post.created * 1000)
    return {
        "id": post.id,
        "author": world.account_id,
        "commentary": post.text,
        "visibility": "PUBLIC",
        "lifecycleState": "PUBLISHED",
        "createdAt": at,
        "publishedAt": at,
        "lastModifiedAt": at,
        "isReshareDisabledByAuthor": False,
    }


def metadata(world: OrganisationWorld, post: Post) -> dict[str, Any]:
    """What is counted on a post."""
    there = [world.comments[key] for key in post.comments if not world.comments[key].removed]
    likes = {"LIKE": {"reactionType": "LIKE", "count": post.likes}} if post.likes else {}
    return {
        "entity": activity_of(post),
        "reactionSummaries": likes,
        "commentSummary": {
            "count": len(there),
            "topLevelCount": sum(comment.parent_id is None for comment in there),
        },
        "commentsState": "OPEN",
    }


def milliseconds() -> int:
    """The present, as LinkedIn writes it."""
    return int(time.time() * 1000)


def _number(value: str | None, default: int) -> int:
    return int(value) if value is not None and value.isdigit() else default
