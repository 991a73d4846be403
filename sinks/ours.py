"""Which of the replies in a thread are Parley's own, and whose answer each of them is. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from connectors.platform import OwnReply
from schemas import identity


@dataclass(frozen=True, slots=True)
class Found:
    """A reply on the platform, and the decision whose row of the queue it settles."""

    reply_id: str
    decision_id: Any


class Ours:
    """What is known of Parley's own replies in a thread: ids, and texts that were or may have been sent."""

    def __init__(self, rows: Collection[Any], *, settle_after: float) -> None:
        """`rows`: the tried rows of the queue there, see `sinks.claims`. `settle_after`: see `hold`."""
        self._rows = rows
        self._settle_after = settle_after
        self._owners = {row["reply_id"]: row for row in rows if row["reply_id"] is not None}
        self._texts = {identity.normalised_text(row["text"]) for row in rows}

    def find(self, row: Any, replies: Collection[OwnReply]) -> Found | None:
        """The reply on the platform that answers this row's comment: its own, or an earlier row's."""
        unowned: dict[str, str] = {}
        for reply in replies:
            owner = self._owners.get(reply.reply_id)
            if owner is None:
                unowned.setdefault(identity.normalised_text(reply.text), reply.reply_id)
            elif owner["comment_id"] == row["comment_id"]:
                return Found(reply.reply_id, owner["decision_id"])
        for each in self._may_be_there(row):
            reply_id = unowned.get(identity.normalised_text(each["text"]))
            if reply_id is not None:
                return Found(reply_id, each["decision_id"])
        return None

    def staffs(self, replies: Collection[OwnReply]) -> tuple[OwnReply, ...]:
        """Replies that no attempt of ours explains."""
        return tuple(
            reply
            for reply in replies
            if reply.reply_id not in self._owners and identity.normalised_text(reply.text) not in self._texts
        )

    def in_doubt(self, row: Any) -> bool:
        """True if this row, or an earlier one of its comment, may have been sent and was not found since."""
        return row["uncertain"] > 0 or any(each["uncertain"] > 0 for each in self._earlier(row))

    def hold(self, row: Any) -> float:
        """Seconds until nothing is sent in this row's place any more, as far as one can know.

        An earlier reply to its comment that was in doubt, and was given up less than `settle_after` ago, may
        still show.
        """
        left: list[float] = [
            self._settle_after - each["settled_for"]
            for each in self._earlier(row)
            if each["uncertain"] > 0 and each["settled_for"] is not None
        ]
        return max([0.0, *left])

    def _earlier(self, row: Any) -> Iterator[Any]:
        for each in self._rows:
            if (
                each["comment_id"] == row["comment_id"]
                and each["decision_id"] != row["decision_id"]
                and each["reply_id"] is None
            ):
                yield each

    def _may_be_there(self, row: Any) -> Iterator[Any]:
        """Rows of this comment whose text may show without an id that is known, the likeliest first."""
        rows = [row, *self._earlier(row)]
        yield from (each for each in rows if each["uncertain"] > 0)
        # What was never in doubt yields to another comment's attempt that says the same and has no id yet.
        others = {
            identity.normalised_text(each["text"])
            for each in self._rows
            if each["comment_id"] != row["comment_id"] and each["reply_id"] is None
        }
        for each in rows:
            if each["uncertain"] == 0 and identity.normalised_text(each["text"]) not in others:
                yield each
