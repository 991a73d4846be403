"""What X says about posts -> events. Pure.

Sources: schemas of OpenAPI 2.166 and 2.167, "X Activity API event payloads", recorded mention timelines.

- A comment is a post by somebody else that answers in a conversation of the account, or names the account.
- Its id is that of its first wording: X gives an edited post another id and lists all in its edit history.
- An own post that answers somebody is `reply_observed`, keyed by the first wording of what it answers;
  one that answers the account itself continues its own post and answers nobody.
- `mentions_account` is what X's rule for self-serve apps asks: the author named the account in the text, or
  quoted a post of it. Names that X itself puts before a reply do not count.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.accounts import Account
from connectors.fields import platform_id, short_name
from connectors.webhook import Ignored
from connectors.x.posts import (
    attachment_kinds,
    included,
    mentions,
    permalink,
    references,
    time_of,
    versions,
    wording,
    written_at,
)
from schemas import identity
from schemas.events import (
    Attachment,
    CommentEvent,
    CommentKind,
    EngagementEvent,
    Platform,
    PostEvent,
    Source,
)


def from_post(
    post: Mapping[str, Any],
    includes: object,
    account: Account,
    observed_at: datetime,
    source: Source,
    *,
    concerns_account: bool = False,
    summons: bool = False,
) -> CommentEvent | Ignored:
    """The event of one post; raises MalformedChange naming the field that does not fit.

    `concerns_account`: it is known to be in a conversation of the account or to name it; else that is looked
    for. `summons`: it is known that its author named the account.
    """
    me = account.account_id
    ids = versions(post)
    refers = references(post)
    if "retweeted" in refers:
        return Ignored("post:repost")
    author_id = platform_id(post, "author_id")
    answered_user = platform_id(post, "in_reply_to_user_id")
    answered = refers.get("replied_to") or platform_id(post, "in_reply_to_tweet_id")
    text = wording(post, is_reply=answered is not None or answered_user is not None)
    attachments = tuple(Attachment(kind=kind) for kind in attachment_kinds(post))
    others = {entry.get("id"): entry for entry in included(includes, "tweets", "posts")}
    target = _first_wording(answered, others)
    named = list(mentions(post, me, account.username))
    conversation = platform_id(post, "conversation_id")
    known_author = next((u for u in included(includes, "users") if u.get("id") == author_id), {})
    occurred_at = written_at(post, observed_at) or observed_at
    fields: dict[str, Any] = {
        "tenant_id": account.tenant_id,
        "platform": Platform.X,
        "account_id": me,
        "platform_post_id": conversation,
        "author_id": author_id,
        "author_name": short_name(known_author.get("name")),
        "text": text,
        "attachments": attachments,
        "permalink": permalink(ids[-1], known_author.get("username")),
        "occurred_at": occurred_at,
        "observed_at": observed_at,
        "source": source,
    }
    if author_id == me:
        if target is None:
            return Ignored("own:post")
        if answered_user == me:
            return Ignored("own:thread")
        return CommentEvent(
            kind=CommentKind.REPLY_OBSERVED,
            comment_id=identity.comment_id(Platform.X, me, target),
            platform_comment_id=target,
            reply_id=ids[0],
            created_at=occurred_at,
            **fields,
        )
    if not (concerns_account or summons or named or answered_user == me):
        return Ignored("post:quote" if "quoted" in refers else "post:other")
    comment_id = identity.comment_id(Platform.X, me, ids[0])
    edited = source is Source.WEBHOOK and platform_id(post, "id") != ids[0]
    quotes_us = others.get(refers.get("quoted"), {}).get("author_id") == me
    # A post read without its fields (recorded ones are) does not tell whom it names.
    told = "entities" in post or author_id is not None
    return CommentEvent(
        kind=CommentKind.EDITED if edited else CommentKind.ADDED,
        comment_id=comment_id,
        platform_comment_id=ids[0],
        platform_parent_id=target if target != conversation else None,
        revision_id=identity.revision_id(comment_id, text, [item.kind for item in attachments]),
        author_followers=_followers(known_author),
        mentions_account=summons or quotes_us or any(named) if summons or told else None,
        created_at=None if edited else occurred_at if len(ids) == 1 else time_of(ids[0]),
        **fields,
    )


def post_event(
    post: Mapping[str, Any], includes: object, account: Account, observed_at: datetime
) -> PostEvent:
    """A post that people comment on, the account's or one that names it; raises MalformedChange."""
    ids = versions(post)
    author = platform_id(post, "author_id")
    user = next((entry for entry in included(includes, "users") if entry.get("id") == author), {})
    return PostEvent(
        tenant_id=account.tenant_id,
        platform=Platform.X,
        account_id=account.account_id,
        platform_post_id=ids[0],
        text=wording(post, is_reply=False),
        permalink=permalink(ids[-1], user.get("username")),
        published_at=written_at(post, observed_at),
        observed_at=observed_at,
        by_account=None if author is None else author == account.account_id,
    )


def engagement(
    post: Mapping[str, Any], account: Account, observed_at: datetime, *, comment_id: str | None = None
) -> EngagementEvent | None:
    """Likes and replies of a post, or of the comment `comment_id` (Parley's id); None if not told."""
    counts = post.get("public_metrics")
    if not isinstance(counts, Mapping):
        return None
    thread = platform_id(post, "conversation_id") if comment_id else None
    return EngagementEvent(
        tenant_id=account.tenant_id,
        platform=Platform.X,
        account_id=account.account_id,
        platform_post_id=thread or versions(post)[0],
        comment_id=comment_id,
        likes=_count(counts.get("like_count")),
        replies=_count(counts.get("reply_count")),
        observed_at=observed_at,
    )


def _first_wording(post_id: str | None, others: Mapping[Any, Mapping[str, Any]]) -> str | None:
    """The id under which a post is a comment here, where its edit history came along."""
    return versions(others[post_id])[0] if post_id in others else post_id


def _followers(user: Mapping[str, Any]) -> int | None:
    """How many follow a user; None where X was not asked, or does not tell."""
    counts = user.get("public_metrics")
    return _count(counts.get("followers_count")) if isinstance(counts, Mapping) else None


def _count(value: object) -> int | None:
    """A count as events hold it (32 bits); None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        return value
    return None
