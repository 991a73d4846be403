"""Posts of the simulated X as JSON: API v2 under old or new names, and the v1.1 form of older webhooks.

Source: the schemas `Tweet` and `Post` of OpenAPI 2.166 and 2.167; the v1.1 Tweet object.
"""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from connectors.simulation import Comment, Post
from connectors.x.client import REPLY_LIMIT
from connectors.x.simulator.world import Wording, XWorld
from schemas.lengths import weighted_length

_NAME: Final = re.compile(r"@(\w{1,15})")
_NEW_NAMES: Final = {
    "referenced_tweets": "referenced_posts",
    "note_tweet": "note_post",
    "edit_history_tweet_ids": "edit_history_post_ids",
}


def post_json(
    world: XWorld, thing: Comment | Post, wording: Wording, fields: Collection[str], *, renamed: bool = False
) -> dict[str, Any]:
    """A post with the fields asked for, and those that always come; `fields` in the old names."""
    text, begins = whole_text(world, thing, wording)
    post_id = wording.id
    long = weighted_length(wording.text) > REPLY_LIMIT
    content: dict[str, Any] = {
        "id": post_id,
        "text": text[: begins + 270] + "…" if long else text,
        "edit_history_tweet_ids": [each.id for each in world.wordings(thing)],
        "author_id": world.author(thing),
        "conversation_id": thing.post_id if isinstance(thing, Comment) else thing.id,
        "created_at": _iso(wording.created),
        "display_text_range": [begins, max(begins + 1, len(text))],
        "public_metrics": {
            "repost_count" if renamed else "retweet_count": 0,
            "reply_count": _answers(world, thing),
            "like_count": thing.likes,
            "quote_count": 0,
            "bookmark_count": 0,
            "impression_count": 0,
        },
    }
    answered = _answered(world, thing)
    if answered is not None:
        content["in_reply_to_user_id"] = world.author(answered)
        last = world.wordings(answered)[-1].id
        named = last if isinstance(thing, Comment) and thing.author_id != world.account_id else answered.id
        content["referenced_tweets"] = [{"type": "replied_to", "id": named}]
    named_users = list(_mentions(world, text))
    if named_users:
        content["entities"] = {"mentions": named_users}
    if long:
        content["note_tweet"] = {"text": text, **({"entities": content["entities"]} if named_users else {})}
    if isinstance(thing, Comment) and thing.photo:
        content["attachments"] = {"media_keys": [f"3_{thing.id}"]}
    kept = {"id", "text", "edit_history_tweet_ids", *fields}
    return {
        _NEW_NAMES.get(name, name) if renamed else name: value
        for name, value in content.items()
        if name in kept
    }


def includes_json(
    world: XWorld, things: Iterable[Comment | Post], fields: Collection[str], *, renamed: bool = False
) -> dict[str, Any]:
    """Authors of these posts, and the posts that they answer."""
    users: dict[str, dict[str, Any]] = {}
    others: dict[str, dict[str, Any]] = {}
    for thing in things:
        author = world.author(thing)
        name = thing.author_name if isinstance(thing, Comment) else world.account_name
        users[author] = {"id": author, "name": name, "username": world.names.get(author, f"user_{author}")}
        if "user.public_metrics" in fields:
            users[author]["public_metrics"] = {
                "followers_count": world.followers.get(author, 0),
                "following_count": 0,
                "post_count" if renamed else "tweet_count": 0,
                "listed_count": 0,
            }
        answered = _answered(world, thing)
        if answered is not None:
            for wording in world.wordings(answered):
                others[wording.id] = post_json(world, answered, wording, fields, renamed=renamed)
    found: dict[str, Any] = {"users": list(users.values())}
    if others:
        found["posts" if renamed else "tweets"] = list(others.values())
    return found


def legacy_json(world: XWorld, comment: Comment) -> dict[str, Any]:
    """A post in the form of API v1.1."""
    wording = world.wordings(comment)[-1]
    text, begins = whole_text(world, comment, wording)
    answered = _answered(world, comment)
    created = datetime.fromtimestamp(wording.created, UTC)
    return {
        "created_at": created.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        "id": int(wording.id),
        "id_str": wording.id,
        "full_text": text,
        "display_text_range": [begins, len(text)],
        "in_reply_to_status_id_str": answered.id if answered else None,
        "in_reply_to_user_id_str": world.author(answered) if answered else None,
        "edit_history": {"edit_tweet_ids": [each.id for each in world.wordings(comment)]},
        "user": {
            "id_str": comment.author_id,
            "name": comment.author_name,
            "screen_name": world.names.get(comment.author_id, f"user_{comment.author_id}"),
            "followers_count": world.followers.get(comment.author_id, 0),
        },
        "entities": {
            "user_mentions": [
                {
                    "id_str": each["id"],
                    "screen_name": each["username"],
                    "indices": [each["start"], each["end"]],
                }
                for each in _mentions(world, text)
            ]
        },
    }


def whole_text(world: XWorld, thing: Comment | Post, wording: Wording) -> tuple[str, int]:
    """(text as the API gives it, where its author begins): X puts names before it, escapes three signs."""
    names: list[str] = []
    answered = _answered(world, thing)
    while answered is not None:
        name = world.names.get(world.author(answered))
        if name and name not in names and world.author(answered) != world.author(thing):
            names.append(name)
        answered = _answered(world, answered)
    prefix = "".join(f"@{name} " for name in names)
    escaped = wording.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return prefix + escaped, len(prefix)


def summons(world: XWorld, comment: Comment) -> bool:
    """True if its author named the account."""
    return any(name.lower() == world.username.lower() for name in _NAME.findall(comment.text))


def names_account(world: XWorld, comment: Comment) -> bool:
    """True if the account's name stands in it, whoever put it there."""
    text, _ = whole_text(world, comment, world.wordings(comment)[-1])
    return any(mention["id"] == world.account_id for mention in _mentions(world, text))


def _mentions(world: XWorld, text: str) -> Iterable[dict[str, Any]]:
    for found in _NAME.finditer(text):
        user = world.users.get(found[1].lower())
        if user is not None:
            yield {"start": found.start(), "end": found.end(), "username": found[1], "id": user}


def _answered(world: XWorld, thing: Comment | Post) -> Comment | Post | None:
    """What it answers, also if that is removed by now."""
    if isinstance(thing, Post):
        return None
    if thing.parent_id is not None:
        return world.comments[world.key(thing.parent_id)]
    return world.posts.get(thing.post_id)


def _answers(world: XWorld, thing: Comment | Post) -> int:
    keys = thing.replies if isinstance(thing, Comment) else thing.comments
    below = (world.comments[key] for key in keys)
    return sum(not each.removed and (isinstance(thing, Comment) or each.parent_id is None) for each in below)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
