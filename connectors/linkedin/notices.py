"""What LinkedIn's notices of the last days tell of an organisation's posts.

`organizationalEntityNotifications` keeps for 60 days what webhooks bring. A reply is taken from its notice,
because the API lists replies one thread at a time: an account that answers a thousand comments would need a
thousand calls to see its own replies again.
Source: "Organization Social Action Notifications" of LinkedIn's documentation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from connectors.accounts import Account
from connectors.linkedin.errors import ApiError, cause_of, failure_of
from connectors.linkedin.mapping import COMMENT_ACTIONS, from_notification
from connectors.linkedin.paging import pages
from connectors.linkedin.rest import Rest
from connectors.linkedin.urns import comment_urn, encoded, is_urn, organisation_urn
from connectors.linkedin.webhook import change_of
from connectors.outcomes import Cause
from connectors.webhook import Ignored, MalformedChange
from schemas.events import CommentEvent, CommentKind, Source, utc_now


@dataclass(slots=True)
class Told:
    """Of one post: `replies` complete with what they answer, by their own urn; `loose`: numbers of comments
    that are either on the post itself, or replies of which the notice does not say to what.
    """

    replies: dict[str, CommentEvent] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Notices:
    """By post (share or ugcPost, or the activity where no notice names that), and what was removed."""

    posts: dict[str, Told] = field(default_factory=dict)
    removed: dict[str, CommentEvent] = field(default_factory=dict)


async def notices(rest: Rest, account: Account, since: datetime, source: Source) -> Notices | None:
    """The notices since then; None if the app may not read them. Raises as reads do."""
    now = utc_now()
    path = (
        f"organizationalEntityNotifications?q=criteria&actions=List({','.join(COMMENT_ACTIONS)})"
        f"&organizationalEntity={encoded(organisation_urn(account.account_id))}"
        f"&timeRange=(start:{_milliseconds(since)},end:{_milliseconds(now)})"
    )
    items: list[Mapping[str, Any]] = []
    async for page in pages(rest, path):
        if isinstance(page, ApiError):
            if page.status == 403 and cause_of(page) is Cause.PERMISSION:
                return None
            raise failure_of(page)
        items += page
    return told_by(items, account, now, source)


def told_by(items: Sequence[Mapping[str, Any]], account: Account, now: datetime, source: Source) -> Notices:
    """What notices tell together, whatever their order: of a comment the newest counts. Pure."""
    found, names = Notices(), _names(items)
    for item in sorted(items, key=_at):
        post = names.get(str(item.get("sourcePost")))
        if post is None:
            continue
        told = found.posts.setdefault(post, Told())
        event = _event(item, account, now, source)
        own = comment_urn(item.get("generatedActivity"))
        if not isinstance(event, CommentEvent):
            if own is not None and event.reason in ("own:no_parent", "undecorated"):
                told.loose.add(own.number)
        elif event.kind is CommentKind.REMOVED:
            found.removed[event.platform_comment_id] = event
            told.replies.pop(event.platform_comment_id, None)
            told.loose.discard(own.number if own else "")
        elif event.reply_id is not None:
            told.replies[event.reply_id] = event
        elif event.platform_parent_id is not None:
            told.replies[event.platform_comment_id] = replace(event, kind=CommentKind.ADDED)
        elif own is not None:
            told.loose.add(own.number)
    return found


def _names(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By the activity, as which every notice names its post, the name by which posts are read."""
    names: dict[str, str] = {}
    for item in items:
        post, decorated = item.get("sourcePost"), item.get("decoratedSourcePost")
        entity = decorated.get("entity") if isinstance(decorated, Mapping) else None
        if isinstance(post, str) and is_urn(post) and (is_urn(entity) or post not in names):
            names[post] = str(entity) if is_urn(entity) else post
    return names


def _event(
    item: Mapping[str, Any], account: Account, now: datetime, source: Source
) -> CommentEvent | Ignored:
    change = change_of(item, now)
    if isinstance(change, MalformedChange):
        return Ignored(f"notification:{change.reason}")
    try:
        return from_notification(change, account, now, source)
    except MalformedChange as error:
        return Ignored(f"notification:{error.reason}")


def _at(item: Mapping[str, Any]) -> float:
    at = item.get("lastModifiedAt")
    return float(at) if isinstance(at, (int, float)) else 0.0


def _milliseconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)
