"""What LinkedIn says about comments -> events. Pure.

Sources: "Organization Social Action Notifications" and "Comments API" of LinkedIn's documentation, and what
section 5 of the platform contracts gathered; LinkedIn has no recorded payloads anywhere.

- Own means an ADMIN_COMMENT, or that the organisation wrote it. An own reply becomes `reply_observed`, keyed
  by the comment it answers. The documentation's sample of a notification names no parent: an own comment
  without one is ignored, and the poll observes it, because the API's comments name theirs.
- The notice of a deletion may lack its decorations; it needs the comment's urn alone.
- LinkedIn tells no names, and its webhooks tell of no images: attachments are left out everywhere, so that
  webhook and poll give a comment the same revision.
- A comment that was edited occurred when it was last modified, as the notice of the edit says too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.fields import named, text_of
from connectors.linkedin.fields import comment_of, message_of, object_of, time_of, urn_of
from connectors.linkedin.urns import CommentUrn, organisation_urn
from connectors.webhook import Change, Ignored, MalformedChange
from schemas import identity
from schemas.events import CommentEvent, CommentKind, Platform, Source

_KINDS: Final = {
    "COMMENT": CommentKind.ADDED,
    "ADMIN_COMMENT": CommentKind.ADDED,
    "COMMENT_EDIT": CommentKind.EDITED,
    "COMMENT_DELETE": CommentKind.REMOVED,
}
COMMENT_ACTIONS: Final = tuple(_KINDS)
"""The actions of notifications that are about comments."""


def from_notification(
    change: Change, account: Account, observed_at: datetime, source: Source = Source.WEBHOOK
) -> CommentEvent | Ignored:
    """The event of one notification; raises MalformedChange naming the field that does not fit."""
    value = change.value
    action = value.get("action")
    kind = _KINDS.get(action) if isinstance(action, str) else None
    if kind is None:
        return Ignored(named("action", action.lower() if isinstance(action, str) else None))
    decorated = object_of(object_of(value, "decoratedGeneratedActivity"), "comment")
    post = urn_of(value, "sourcePost")
    comment = comment_of(decorated, "entity") or comment_of(value, "generatedActivity")
    if comment is None:
        raise MalformedChange("generatedActivity", "a notification of a comment without its urn")
    parent = comment_of(decorated, "parentComment") or comment_of(decorated, "object")
    return _event(
        kind,
        account,
        comment=comment.below(post),
        parent=parent.below(post) if parent else None,
        # The posts API names posts by share or ugcPost, never by the activity.
        post=urn_of(object_of(value, "decoratedSourcePost"), "entity") or post,
        author=urn_of(decorated, "owner"),
        is_own=action == "ADMIN_COMMENT",
        text=text_of(decorated, "text"),
        occurred_at=change.sent_at or observed_at,
        created_at=change.sent_at if kind is CommentKind.ADDED else None,
        observed_at=observed_at,
        source=source,
        has_decorations=bool(decorated),
    )


def from_listing(
    item: Mapping[str, Any], account: Account, post_id: str, observed_at: datetime, source: Source
) -> CommentEvent | Ignored:
    """The event of one comment that the API shows; raises MalformedChange like `from_notification`."""
    created_at = time_of(object_of(item, "created").get("time"), observed_at)
    modified_at = time_of(object_of(item, "lastModified").get("time"), observed_at)
    parent = comment_of(item, "parentComment")
    return _event(
        CommentKind.ADDED,
        account,
        comment=named_comment(item),
        parent=parent.below(item.get("object")) if parent else None,
        post=post_id,
        author=urn_of(item, "actor"),
        is_own=False,
        text=message_of(item),
        occurred_at=max((at for at in (created_at, modified_at) if at is not None), default=observed_at),
        created_at=created_at,
        observed_at=observed_at,
        source=source,
    )


def named_comment(item: Mapping[str, Any]) -> CommentUrn:
    """The name of a comment that the API shows; raises MalformedChange if it has none."""
    found = comment_of(item, "commentUrn") or comment_of(item, "$URN")
    post, number = item.get("object"), item.get("id")
    if found is None and isinstance(post, str) and str(number).isdigit():
        found = CommentUrn(post, str(number))
    if found is None:
        raise MalformedChange("commentUrn", "a comment without its urn")
    return found.below(post)


def _event(
    kind: CommentKind,
    account: Account,
    *,
    comment: CommentUrn,
    parent: CommentUrn | None,
    post: str | None,
    author: str | None,
    is_own: bool,
    text: str | None,
    occurred_at: datetime,
    created_at: datetime | None,
    observed_at: datetime,
    source: Source,
    has_decorations: bool = True,
) -> CommentEvent | Ignored:
    is_own = is_own or author == organisation_urn(account.account_id)
    name, reply_id = str(comment), None
    if is_own:
        if kind is not CommentKind.ADDED:
            return Ignored(f"own:reply_{kind.value}" if parent else f"own:{kind.value}")
        if parent is None:
            return Ignored("own:no_parent")
        kind, name, reply_id = CommentKind.REPLY_OBSERVED, str(parent), name
    elif kind.has_wording and not has_decorations:
        # The text is not told: the poll brings it, and an empty one would be answered as such.
        return Ignored("undecorated")
    comment_id = identity.comment_id(Platform.LINKEDIN, account.account_id, name)
    return CommentEvent(
        kind=kind,
        tenant_id=account.tenant_id,
        platform=Platform.LINKEDIN,
        account_id=account.account_id,
        comment_id=comment_id,
        platform_comment_id=name,
        platform_post_id=post,
        platform_parent_id=str(parent) if parent and not reply_id else None,
        revision_id=identity.revision_id(comment_id, text) if kind.has_wording else None,
        author_id=organisation_urn(account.account_id) if reply_id else author,
        text=text if kind.has_wording or reply_id else None,
        reply_id=reply_id,
        occurred_at=occurred_at,
        created_at=created_at,
        observed_at=observed_at,
        source=source,
    )
