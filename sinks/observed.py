"""Whose is a reply that the platform shows as the account's: ours, or its staff's?

An own reply may be seen before its id was stored. It is ours if its id is known, or if it says what an
attempt under that comment was about to say; then it settles an attempt in doubt, also one that was given up.
It is the staff's at once where no attempt is in doubt, else after a grace period. A staff answer ends a
waiting reply (`sinks.queueing`).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

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
    rows = await connection.fetch(_OPEN, comments, now, grace)
    for reply, group in itertools.groupby(rows, lambda row: (str(row["comment_id"]), row["reply_id"])):
        _classify_one(found, reply, list(group))
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


def _classify_one(found: Classified, reply: tuple[str, str], rows: Sequence[Any]) -> None:
    """`rows`: the reply, once for each row of the queue that was tried for its comment or in its thread."""
    tried = [row for row in rows if row["decision_id"] is not None]
    says = identity.normalised_text(rows[0]["text"])
    saying = [row for row in tried if identity.normalised_text(row["sent"]) == says]
    here = [row for row in tried if row["same_comment"]]
    candidates = [row for row in saying if row["same_comment"] and row["state"] != "posted"]
    if any(row["known"] == reply[1] for row in tried):
        found.ours.append(reply)
    elif any(row["same_comment"] for row in saying):
        known = [row["known"] for row in here if row["state"] == "posted"]
        known += [found.posted[name] for row in here if (name := str(row["decision_id"])) in found.posted]
        if known:
            log.error("a comment was answered twice", comment=reply[0], replies=[*known, reply[1]])
        else:
            likeliest = max(candidates, key=_likelihood)
            under_way = [row for row in here if row["state"] == "posting"]
            if under_way and (len(candidates) > 1 or likeliest["state"] != "posting"):
                return  # whose it is shows when the outcome of what is under way is known
            found.posted[str(likeliest["decision_id"])] = reply[1]
        found.ours.append(reply)
    elif saying:
        found.ours.append(reply)
    elif rows[0]["is_overdue"] or not any(
        row["state"] in ("posting", "unknown") or (row["uncertain"] and row["state"] != "posted")
        for row in tried
    ):
        found.staff.append(reply)


def _likelihood(row: Any) -> tuple[bool, bool]:
    """Of two rows that say the same, the one in doubt, and then the one that has not ended."""
    return row["uncertain"] > 0, row["state"] in ("queued", "posting", "unknown")
