"""An own reply that is gone from the platform is no comment: the row that its removal has made goes again.

LinkedIn's notice of a deletion names neither author nor parent (`connectors.linkedin.mapping`), so that the
removal of an own reply looks like that of a comment not seen yet, which has a row from then on. Whichever
comes first, the removal or what tells whose the reply is: the later one of the two takes the row away.
"""

from collections.abc import Iterable
from typing import Any, Final

from infra.postgres import Connection
from schemas import identity
from schemas.events import CommentEvent, CommentKind, ReplyOutcome

# Rows with a wording are comments, whatever else is told. Scalar, because the planner would hash whole tables
# for "exists".
_FORGET: Final = """
delete from comments c
where c.comment_id = any ($1::uuid[]) and c.gone_at is not null and c.current_revision_id is null
    and coalesce(
        (select true from reply_queue q where q.platform = c.platform and q.account_id = c.account_id
            and q.reply_id = c.platform_comment_id limit 1),
        (select true from observed_replies o where o.platform = c.platform and o.account_id = c.account_id
            and o.reply_id = c.platform_comment_id limit 1),
        (select true from reply_outcomes o where o.tenant_id = c.tenant_id
            and o.reply_id = c.platform_comment_id limit 1),
        false)
"""


def removes(event: object) -> bool:
    """True if it tells that a comment, or an own reply that is taken for one, is gone."""
    return isinstance(event, CommentEvent) and event.kind is CommentKind.REMOVED


async def forget(connection: Connection, events: Iterable[object]) -> None:
    """Takes away the rows of removed own replies that `events` complete the knowledge of.

    Within the caller's transaction, after the facts of `events` were written.
    """
    suspects = {found for event in events if (found := _suspect(event)) is not None}
    if suspects:
        await connection.execute(_FORGET, sorted(suspects))


def _suspect(event: Any) -> str | None:
    """The id of the comment that is none, if an own reply is told of or something was removed."""
    if removes(event):
        return str(event.comment_id)
    if isinstance(event, CommentEvent | ReplyOutcome) and event.reply_id is not None:
        return identity.comment_id(event.platform, event.account_id, event.reply_id)
    return None
