"""What a request to reply brings about when nothing refuses it: the same on every platform."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.responses import Response

from connectors.simulation.broken import Reset, Silence
from connectors.simulation.late import LATE_WRITE, reply_late
from connectors.simulation.world import Comment

if TYPE_CHECKING:
    from connectors.simulation.simulation import Simulation

Answer = Callable[[Comment], Response]
"""What a platform answers about a reply that exists by now."""


class Replying:
    """Creates replies, shows the faults `REPLYING`, and writes a line of each before it is answered.

    `misleading`: by the name of its fault, what the platform answers instead although the reply exists.
    """

    def __init__(
        self, simulation: "Simulation", *, hang_seconds: float, misleading: Mapping[str, Answer]
    ) -> None:
        self._happenings = simulation.happenings
        self._faults = simulation.faults
        self._journal = simulation.journal
        self._hang_seconds = hang_seconds
        self._answers: Mapping[str, Answer] = {
            "created_then_timeout": lambda _: Silence(hang_seconds),
            "created_then_reset": lambda _: Reset(),
            **misleading,
        }

    def still_there(self, comment: Comment | None) -> Comment | None:
        """The comment to be answered; None if it is gone, or if its author deletes it at this moment."""
        if comment is not None and self._faults.strikes("deleted_before_reply"):
            self._happenings.remove(comment, by="author")
            return None
        return comment

    def reply(self, parent: Comment, text: str, answer: Answer) -> Response:
        """The reply exists from now on, or a little later; `answer` is what the platform says of it."""
        delay = self._faults.strikes("delayed_listing")
        listed_after = delay.seconds if delay else 0.0
        if late := self._faults.strikes(LATE_WRITE):
            return reply_late(
                self._happenings, self._journal, late, parent=parent, text=text,
                hang_seconds=self._hang_seconds, listed_after=listed_after,
            )  # fmt: skip
        made = self._happenings.own_reply(text, parent.id, listed_after=listed_after)
        fault = next((name for name in self._answers if self._faults.strikes(name)), None)
        found = (self._answers[fault] if fault else answer)(made)
        self._journal.write(
            "reply",
            comment_id=parent.id,
            reply_id=made.id,
            parent_id=made.parent_id,
            text=text,
            status=None if isinstance(found, (Reset, Silence)) else found.status_code,
            effect="created",
            **({"fault": fault} if fault else {}),
        )
        return found
