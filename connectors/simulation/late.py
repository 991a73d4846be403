"""A reply that takes effect only after its caller has given up."""

import asyncio
import random
from typing import Final

from connectors.journal import Journal
from connectors.simulation.broken import Silence
from connectors.simulation.faults import Fault
from connectors.simulation.happenings import Happenings
from connectors.simulation.world import Comment

LATE_WRITE: Final = "late_write"
"""Name of the fault in every platform's catalogue."""


def reply_late(
    happenings: Happenings,
    journal: Journal,
    fault: Fault,
    *,
    parent: Comment,
    text: str,
    hang_seconds: float,
    listed_after: float,
) -> Silence:
    """Creates the reply some time within `fault.seconds` (unscaled); the answer is none.

    Its line is in the journal when it exists, or when the comment has gone before.
    """

    def create() -> None:
        about = {"comment_id": parent.id, "text": text, "status": None, "fault": LATE_WRITE}
        try:
            made = happenings.own_reply(text, parent.id, listed_after=listed_after)
        except KeyError:
            journal.write("reply", effect="none", **about)
            return
        journal.write("reply", reply_id=made.id, parent_id=made.parent_id, effect="created", **about)

    delay = random.uniform(0, fault.seconds)  # noqa: S311 - chance, not secrets
    asyncio.get_running_loop().call_later(delay, create)
    return Silence(hang_seconds)
