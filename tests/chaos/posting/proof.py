"""What a run of posters must show: the simulators' journals counted, the database held against them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from connectors.journal import lines
from infra.postgres import Pool
from schemas.states import OPEN_POSTING
from tests.chaos.posting.brand import Account, Wanted

_QUEUE: Final = """
select q.comment_id::text as comment, q.platform_comment_id as name, q.platform, q.state, q.reason,
    q.reply_id, q.attempts, q.uncertain, q.decided_by
from reply_queue q
"""
_HANDED: Final = "select reason, is_open from review_items where cause = 'unsent'"


async def prove(pool: Pool, brand: Sequence[Account], wanted: Sequence[Wanted]) -> dict[str, Any]:
    """Every count; `broken` looks at them."""
    made: dict[tuple[str, str], list[str]] = {}
    faults: Counter[str] = Counter()
    removed: set[tuple[str, str]] = set()
    requests = 0
    for account in brand:
        for line in lines(account.journal):
            place = (str(account.platform), str(line.get("comment_id")))
            if line["kind"] == "remove":
                removed.add(place)
            if line["kind"] == "reply":
                requests += 1
                if line["effect"] == "created":
                    made.setdefault(place, []).append(line["reply_id"])
        faults.update(account.simulation.faults.struck)
    asked = {(str(each.comment.platform), each.comment.platform_comment_id) for each in wanted}
    valid = asked - removed
    rows = await pool.fetch(_QUEUE)
    posted = {(row["platform"], row["name"]): row["reply_id"] for row in rows if row["state"] == "posted"}
    doubted = [row for row in rows if row["uncertain"]]
    handed = await pool.fetch(_HANDED)
    return {
        "approved": len(asked),
        "removed_by_their_authors": len(asked & removed),
        "requests_to_reply": requests,
        "replies": sum(map(len, made.values())),
        "posted_twice": sum(len(replies) > 1 for replies in made.values()),
        "valid_and_unposted": len(valid - set(made)),
        "replies_not_known": sum(posted.get(place) not in replies for place, replies in made.items()),
        "replies_only_believed": len(set(posted) - set(made)),
        "not_settled": sum(row["state"] in OPEN_POSTING for row in rows),
        "in_doubt": len(doubted),
        "in_doubt_became": dict(Counter(f"{row['state']}: {row['reason']}" for row in doubted).most_common()),
        "not_explained": sum(not row["reason"] for row in doubted),
        "handed_to_a_person": len(handed),
        "handed_for": dict(Counter(row["reason"] for row in handed).most_common()),
        "still_with_a_person": sum(row["is_open"] for row in handed),
        "faults": dict(sorted(faults.items())),
    }


def broken(found: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    zero = (
        "posted_twice", "valid_and_unposted", "replies_not_known", "replies_only_believed", "not_settled",
        "not_explained", "still_with_a_person",
    )  # fmt: skip
    said = [f"{found[what]} {what.replace('_', ' ')}" for what in zero if found[what]]
    said += found["ended_for_good"]
    if found["nothing_moved_any_more"]:
        said.append("nothing moved any more, though not all was settled")
    return said
