"""What Facebook says about comments -> events. Pure.

Sources: recorded page webhooks (restfb), Meta's "Webhooks for Pages", the Comment node of the Graph API.

- Own means that the author's id is the page's id. An own reply becomes `reply_observed`, keyed by the
  comment it answers; an own comment at the top level answers nobody and is ignored.
- Hidden, shown and removed top-level comments are passed on even if the page is named: the recordings leave
  open whether `from` is then the author or the moderator who did it, and a removal must not be missed.
- `created_time` of an edit, a hide or a removal may be the comment's own age (recorded for posts and
  photos), so such a thing occurred at the later of it and the entry's time.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from connectors.accounts import Account
from connectors.facebook.authors import author_of
from connectors.facebook.ids import comment_name, last_part, post_name
from connectors.fields import moment, named, platform_id, text_of, url_of
from connectors.webhook import Change, Ignored, MalformedChange
from schemas import identity
from schemas.events import Attachment, CommentEvent, CommentKind, Platform, Source

_KINDS: Final = {
    "add": CommentKind.ADDED,
    "edited": CommentKind.EDITED,
    "edit": CommentKind.EDITED,
    "remove": CommentKind.REMOVED,
    "hide": CommentKind.HIDDEN,
    "unhide": CommentKind.HIDDEN,
}


def from_webhook(change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
    """The event of one change of field `feed`; raises MalformedChange naming the field that does not fit."""
    value = change.value
    if change.field != "feed":
        return Ignored(named("field", change.field))
    if value.get("item") != "comment":
        return Ignored(named("item", value.get("item")))
    verb = value.get("verb")
    kind = _KINDS.get(verb) if isinstance(verb, str) else None
    if kind is None:
        return Ignored(named("verb", verb))
    created_at = moment(value.get("created_time"), observed_at)
    moments = [at for at in (created_at, change.sent_at) if at is not None]
    if kind is CommentKind.ADDED:
        occurred_at = moments[0] if moments else observed_at
    else:
        occurred_at = max(moments, default=observed_at)
        created_at = None
    return _event(
        kind,
        value,
        account,
        post_id=platform_id(value, "post_id"),
        parent_id=platform_id(value, "parent_id"),
        attachments=tuple(
            Attachment(kind=name, url=url_of(value[name])) for name in ("photo", "video") if value.get(name)
        ),
        is_hidden=verb == "hide" if kind is CommentKind.HIDDEN else None,
        occurred_at=occurred_at,
        created_at=created_at,
        observed_at=observed_at,
        source=Source.WEBHOOK,
    )


def from_listing(
    item: Mapping[str, Any], account: Account, post_id: str, observed_at: datetime, source: Source
) -> CommentEvent | Ignored:
    """The event of one item of a `/comments` listing; raises MalformedChange like `from_webhook`."""
    link = url_of(item.get("permalink_url"))
    query = parse_qs(urlsplit(link).query) if link else {}
    linked = [query[name][0] for name in ("comment_id", "reply_comment_id") if name in query]
    if item.get("id") is None:
        # Some apps get items without id (recorded); the permalink still has it.
        if not linked:
            return Ignored("listing:no_id")
        item = {**item, "id": linked[-1]}
    parent = item.get("parent")
    parent_id = platform_id(parent, "id") if isinstance(parent, Mapping) else None
    if parent_id is None and len(linked) == 2:
        parent_id = linked[0]
    created_at = moment(item.get("created_time"), observed_at)
    hidden = item.get("is_hidden")
    return _event(
        CommentKind.ADDED,
        item,
        account,
        post_id=post_id,
        parent_id=parent_id or post_id,
        attachments=tuple(Attachment(kind=kind) for kind in attachment_kinds(item)),
        is_hidden=hidden if isinstance(hidden, bool) else None,
        occurred_at=created_at or observed_at,
        created_at=created_at,
        observed_at=observed_at,
        source=source,
        permalink=link,
        id_key="id",
    )


def attachment_kinds(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Kinds of a Graph comment's attachment as webhooks name them, so that both give the same revision.

    Link previews, stickers and GIFs are not told by webhooks (none recorded) and do not count.
    """
    attachment = item.get("attachment")
    kind = attachment.get("type") if isinstance(attachment, Mapping) else None
    if not isinstance(kind, str):
        return ()
    return ("photo",) if kind == "photo" else ("video",) if kind.startswith("video") else ()


def _event(
    kind: CommentKind,
    value: Mapping[str, Any],
    account: Account,
    *,
    post_id: str | None,
    parent_id: str | None,
    attachments: tuple[Attachment, ...],
    is_hidden: bool | None,
    occurred_at: datetime,
    created_at: datetime | None,
    observed_at: datetime,
    source: Source,
    permalink: str | None = None,
    id_key: str = "comment_id",
) -> CommentEvent | Ignored:
    page = account.account_id
    given_id = platform_id(value, id_key)
    if given_id is None:
        raise MalformedChange(id_key, f"a comment without {id_key}")
    post = post_name(post_id, page) if post_id else None
    name = comment_name(given_id, post, page)
    is_reply = parent_id is not None and (post is None or last_part(parent_id) != last_part(post))
    parent = comment_name(parent_id, post, page) if is_reply and parent_id else None
    author_id, author_name = author_of(value)
    text: str | None = text_of(value)
    reply_id = None
    if author_id == page:
        if kind.has_wording and parent is None:
            return Ignored("own:top_level")
        if kind.has_wording:
            kind, reply_id = CommentKind.REPLY_OBSERVED, name
        elif parent is not None:
            return Ignored(f"own:reply_{kind.value}")
    answered = parent if reply_id and parent else name
    comment = identity.comment_id(Platform.FACEBOOK, page, answered)
    revision = None
    if kind.has_wording:
        revision = identity.revision_id(comment, text, [item.kind for item in attachments])
    elif reply_id is None:
        text, attachments = None, ()
    return CommentEvent(
        kind=kind,
        tenant_id=account.tenant_id,
        platform=Platform.FACEBOOK,
        account_id=page,
        comment_id=comment,
        platform_comment_id=answered,
        platform_post_id=post,
        platform_parent_id=None if reply_id else parent,
        revision_id=revision,
        author_id=author_id,
        author_name=author_name,
        text=text,
        attachments=attachments,
        is_hidden=is_hidden,
        reply_id=reply_id,
        permalink=permalink,
        occurred_at=occurred_at,
        created_at=created_at,
        observed_at=observed_at,
        source=source,
    )
