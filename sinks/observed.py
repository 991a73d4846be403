"""Whose is a reply that the platform shows as the account's: ours, or its staff's?

An own reply may be seen before its id was stored. It is ours if its id is known, or if it says what an
attempt under that comment was about to say; then it settles an attempt in doubt. It is the staff's at once
where no attempt is in doubt, else after a grace period. A staff answer ends a waiting reply
(`sinks.queueing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from infra import logs
from infra.postgres import Connection
from schemas import identity

_OPEN: Final = """
select o.comment_id, o.reply_id, o.text, q.decision_id, q.state, q.text as sent, q.reply_id as known,
    q.comment_id = o.comment_id as same_comment, q.attempts, q.uncertain,
    o.observed_at <= coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => $3) as is_overdue
from observed_replies o
join comments c using (comment_id)
left join reply_queue q on q.attempts > 0 and (
    q.comment_id = o.comment_id
    or (q.platform = o.platform and q.account_id = o.account_id
        and (q.thread_id = c.platform_comment_id or q.reply_id = o.reply_id)))
where o.author is null and o.comment_id = any ($1::uuid[])
order by o.comment_id, o.reply_id, same_comment desc
"""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Classified:
    """What was found out: replies of the staff, ours, and attempts that are now known to have been posted."""

    staff: list[tuple[str, str]]
    ours: list[tuple[str, str]]
    posted: dict[str, str]
    """Reply id by decision id."""


async def classify(
    connection: Connection, comments: Sequence[str], *, now: datetime | None, grace: float
) -> Classified:
    """Stores whose the open observed replies of these comments are, as far as it is clear.

    The caller holds the comments' rows, and writes what `posted` says. `grace` is in seconds.
    """
    found = Classified([], [], {})
    seen: dict[tuple[str, str], bool] = {}
    in_doubt: set[tuple[str, str]] = set()
    overdue: set[tuple[str, str]] = set()
    for row in await connection.fetch(_OPEN, comments, now, grace):
        reply = (str(row["comment_id"]), row["reply_id"])
        seen.setdefault(reply, False)
        if row["is_overdue"]:
            overdue.add(reply)
        if row["decision_id"] is None or seen[reply]:
            continue
        if row["known"] == row["reply_id"]:
            seen[reply] = True
        elif identity.normalised_text(row["sent"]) == identity.normalised_text(row["text"]):
            seen[reply] = True
            if row["same_comment"] and row["state"] != "posted":
                found.posted[str(row["decision_id"])] = row["reply_id"]
            elif row["same_comment"]:
                log.error("a comment was answered twice", comment=reply[0], replies=[row["known"], reply[1]])
        elif row["state"] in ("posting", "unknown") or (row["uncertain"] and row["state"] != "posted"):
            in_doubt.add(reply)
    for reply, ours in seen.items():
        if ours:
            found.ours.append(reply)
        elif reply not in in_doubt or reply in overdue:
            found.staff.append(reply)
    for author, replies in (("parley", found.ours), ("staff", found.staff)):
        if replies:
            await connection.execute(
                "update observed_replies o set author = $1"
                " from unnest($2::uuid[], $3::text[]) as r (comment_id, reply_id)"
                " where o.comment_id = r.comment_id and o.reply_id = r.reply_id and o.author is null",
                author,
                [comment for comment, _ in replies],
                [reply_id for _, reply_id in replies],
            )
    return found
