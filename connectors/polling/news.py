"""Publishing what a poll found, once: what this process published lately is news no more."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from connectors.polling.remembered import Remembered
from connectors.webhook import event_id
from infra.kafka import Message, message
from schemas.codec import Codec
from schemas.events import CommentEvent, CommentKind, EngagementEvent, PostEvent, Source
from schemas.headers import EVENT_ID
from schemas.topics import COMMENTS_BACKFILL, COMMENTS_RAW, ENGAGEMENT_RAW, POSTS_RAW

Item: TypeAlias = PostEvent | EngagementEvent | CommentEvent
Count: TypeAlias = Callable[[str, int], None]
"""Counts: (a short name without ids, how many)."""


class Publishes(Protocol):
    """What is needed of `infra.kafka.Publisher`."""

    async def publish(self, messages: list[Message]) -> None:
        """Returns once every record is acknowledged; raises TransientError if any is not."""
        ...


class News:
    """Shared by all looks of a process."""

    def __init__(self, publisher: Publishes, codec: Codec) -> None:
        self._publisher = publisher
        self._codec = codec
        self._remembered = Remembered()

    async def publish(self, items: Sequence[Item], source: Source, count: Count) -> None:
        """Returns once all that is news is acknowledged, and tells `count` of it by kind."""
        fresh = [(item, *_identity(item)) for item in items]
        fresh = [each for each in fresh if not self._remembered.holds(each[1], each[2])]
        if not fresh:
            return
        await self._publisher.publish([self._message(item, source) for item, _, _ in fresh])
        for item, key, value in fresh:
            self._remembered.add(key, value)
            count(_name(item), 1)

    def _message(self, item: Item, source: Source) -> Message:
        match item:
            case CommentEvent():
                topic = COMMENTS_BACKFILL if source is Source.BACKFILL else COMMENTS_RAW
                return message(self._codec, topic, item.comment_id, item, {EVENT_ID: event_id(item).encode()})
            case PostEvent():
                return message(self._codec, POSTS_RAW, item.account_id, item)
        return message(self._codec, ENGAGEMENT_RAW, item.comment_id or item.account_id, item)


def _identity(item: Item) -> tuple[str, object]:
    """What is remembered of something published: a key, and the value under which it is not news again."""
    match item:
        case CommentEvent(kind=CommentKind.EDITED | CommentKind.REMOVED):
            # What was removed, and came back, may be removed again.
            return f"now:{item.comment_id}", event_id(item)
        case CommentEvent():
            return f"event:{event_id(item)}", None
        case PostEvent():
            return f"post:{item.platform}:{item.platform_post_id}", (
                item.text,
                item.permalink,
                item.by_account,
            )
    counted = (item.likes, item.replies, item.is_hidden)
    return f"counted:{item.platform}:{item.platform_post_id}:{item.comment_id}", counted


def _name(item: Item) -> str:
    match item:
        case CommentEvent():
            return f"comment:{item.kind}"
        case PostEvent():
            return "post"
    return "engagement"
