"""Reading a post of API v2, under the field names of before and after OpenAPI 2.167. Pure.

Source: the schemas `Tweet` (2.166) and `Post` (2.167). The renamed fields are read under both names.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard

from connectors.fields import moment, platform_id, text_of
from connectors.webhook import MalformedChange

_EPOCH: Final = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
_FIRST_SNOWFLAKE: Final = 29_700_859_247
"""Ids up to here were counted up and tell no time."""

_LEADING_NAMES: Final = re.compile(r"(?:@\w{1,15}\s+)+")
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_MEDIA_PREFIXES: Final = {"3": "photo", "7": "video", "13": "video", "16": "animated_gif"}
_ID: Final = re.compile(r"[0-9]{1,19}")


def either(values: Mapping[str, Any], old: str, new: str) -> Any:
    """A field under the name of before or after the renaming."""
    return values[old] if old in values else values.get(new)


def is_id(value: object) -> TypeGuard[str]:
    """True for what can be the id of a post or user."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def versions(post: Mapping[str, Any]) -> list[str]:
    """Ids of the post's wordings, the first one first; its own id where no history is told."""
    history = either(post, "edit_history_tweet_ids", "edit_history_post_ids")
    known = [entry for entry in history if is_id(entry)] if isinstance(history, list) else []
    own = platform_id(post, "id")
    if own is None or not is_id(own):
        raise MalformedChange("id", "a post without id")
    return sorted({*known, own}, key=int)


def references(post: Mapping[str, Any]) -> dict[str, str]:
    """Ids of the posts it refers to, by `replied_to`, `quoted` and `retweeted`."""
    found = either(post, "referenced_tweets", "referenced_posts")
    return {
        str(entry.get("type")): entry["id"]
        for entry in (found if isinstance(found, list) else ())
        if isinstance(entry, Mapping) and is_id(entry.get("id"))
    }


def included(includes: object, kind: str, renamed: str | None = None) -> Iterator[Mapping[str, Any]]:
    """Objects beside the post: `users`, `media`, or `tweets` (later `posts`)."""
    if not isinstance(includes, Mapping):
        return
    for name in filter(None, (kind, renamed)):
        found = includes.get(name)
        for entry in found if isinstance(found, list) else ():
            if isinstance(entry, Mapping):
                yield entry


def wording(post: Mapping[str, Any], *, is_reply: bool) -> str:
    """The text as people see it: long posts whole, `&amp;` unescaped, without the names a reply begins with.

    X itself writes those names before a reply; they are stripped by rule, so that webhook and poll give the
    same wording. A reply of nothing but names keeps them. Raises MalformedChange.
    """
    note = either(post, "note_tweet", "note_post")
    text = text_of(note if isinstance(note, Mapping) and note.get("text") else post, "text")
    for escaped, plain in _ENTITIES:
        text = text.replace(escaped, plain)
    if is_reply:
        text = text[_end_of_names(text) :] or text
    return text


def mentions(post: Mapping[str, Any], account_id: str, username: str | None) -> Iterator[bool]:
    """For each time the post names the account: whether its author wrote that, and not X.

    X begins a reply with the names of those it answers; `display_text_range` tells where the author begins.
    """
    note = either(post, "note_tweet", "note_post")
    long = isinstance(note, Mapping) and isinstance(note.get("entities"), Mapping)
    entities = note["entities"] if long else post.get("entities")
    named = entities.get("mentions") if isinstance(entities, Mapping) else None
    shown = post.get("display_text_range")
    begins = shown[0] if isinstance(shown, list) and shown and isinstance(shown[0], int) else None
    if begins is None:
        begins = _end_of_names(str(post.get("text") or "")) if "replied_to" in references(post) else 0
    for mention in named if isinstance(named, list) else ():
        if not isinstance(mention, Mapping):
            continue
        name = mention.get("username")
        by_name = username is not None and isinstance(name, str) and name.lower() == username.lower()
        if mention.get("id") == account_id or by_name:
            start = mention.get("start")
            yield isinstance(start, int) and start >= begins


def attachment_kinds(post: Mapping[str, Any]) -> tuple[str, ...]:
    """`photo`, `video`, `animated_gif`, `poll`, in their order; a media key begins with its kind."""
    attachments = post.get("attachments")
    if not isinstance(attachments, Mapping):
        return ()
    keys = attachments.get("media_keys")
    kinds = [
        _MEDIA_PREFIXES.get(str(key).partition("_")[0], "media")
        for key in (keys if isinstance(keys, list) else ())
    ]
    return tuple(kinds + (["poll"] if attachments.get("poll_ids") else []))


def time_of(post_id: str) -> datetime | None:
    """When the id was given out, to the millisecond; None for ids from before 2010 that do not tell."""
    number = int(post_id)
    return _EPOCH + timedelta(milliseconds=number >> 22) if number > _FIRST_SNOWFLAKE else None


def written_at(post: Mapping[str, Any], now: datetime) -> datetime | None:
    """When this wording was written."""
    told = moment(post.get("created_at"), now)
    if told is None:
        by_id = time_of(versions(post)[-1])
        told = by_id if by_id is not None and by_id <= now + timedelta(days=1) else None
    return told


def permalink(post_id: str, username: str | None = None) -> str:
    """The post's page; X finds it by the id alone."""
    return f"https://x.com/{username or 'i'}/status/{post_id}"


def _end_of_names(text: str) -> int:
    found = _LEADING_NAMES.match(text)
    return found.end() if found else 0
