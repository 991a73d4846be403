"""A request to reply to a comment of the simulated account, with everything that can go wrong.

Source: "IG Comment Replies": top-level comments alone (a reply to a reply is put below the top-level one),
none to hidden comments; recorded: with `fields` the reply is created and the answer is an error.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from connectors.instagram.simulator.config import SimulatorConfig
from connectors.instagram.simulator.limits import Limits
from connectors.journal import Journal
from connectors.meta.simulator.answers import answer, error, missing
from connectors.simulation import Comment, Faults, Happenings, Reset, Silence
from connectors.simulation.late import LATE_WRITE, reply_late

LIMIT: Final = 2200
_HTML: Final = b"<html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"


class Replying:
    """Creates replies, or does not; either is in the journal before it is answered."""

    def __init__(
        self,
        config: SimulatorConfig,
        happenings: Happenings,
        faults: Faults,
        limits: Limits,
        journal: Journal,
    ) -> None:
        self._config = config
        self._happenings = happenings
        self._faults = faults
        self._limits = limits
        self._journal = journal

    def reply(self, comment_id: str, params: Mapping[str, Any]) -> Response:
        """The answer to a request that the door let pass."""
        text = str(params.get("message") or "")
        parent = self._happenings.world.comment(comment_id)
        if parent is not None and self._faults.strikes("deleted_before_reply"):
            self._happenings.remove(parent, by="author")
            parent = None
        if parent is None:
            bare = self._faults.strikes("gone_without_subcode")
            return self._refused(comment_id, text, missing("POST", comment_id, with_subcode=not bare))
        refused = self._refusal(parent, text)
        if refused is not None:
            return self._refused(comment_id, text, refused)
        delay = self._faults.strikes("delayed_listing")
        listed_after = delay.seconds if delay else 0.0
        if late := self._faults.strikes(LATE_WRITE):
            return reply_late(
                self._happenings, self._journal, late, parent=parent, text=text,
                hang_seconds=self._config.hang_seconds, listed_after=listed_after,
            )  # fmt: skip
        made = self._happenings.own_reply(text, parent.id, listed_after=listed_after)
        fault, found = self._after_effect(made, asked_for_fields="fields" in params)
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

    def _refusal(self, parent: Comment, text: str) -> Response | None:
        strikes = self._faults.strikes
        if not text or len(text) > LIMIT:
            return error(100, "(#100) Param message must be non-empty and not too long")
        if parent.hidden:
            return error(100, "(#100) Replies to hidden comments are not supported")
        if strikes("duplicate_text"):
            return error(506, "Duplicate status message")
        if strikes("blocked"):
            text = "The action attempted has been deemed abusive or is otherwise disallowed"
            return error(368, text, subcode=1390008)
        if strikes("error_before"):
            return error(2, "An unexpected error has occurred. Please retry your request later.", status=500)
        if strikes("html_503"):
            return Response(_HTML, 503, media_type="text/html")
        return None

    def _after_effect(self, made: Comment, *, asked_for_fields: bool) -> tuple[str | None, Response]:
        """(fault, answer) to a reply that exists by now."""
        strikes = self._faults.strikes
        if strikes("reply_without_id"):
            return "reply_without_id", answer({"success": True})
        if strikes("created_then_timeout"):
            return "created_then_timeout", Silence(self._config.hang_seconds)
        if strikes("created_then_reset"):
            return "created_then_reset", Reset()
        if strikes("created_then_error"):
            return "created_then_error", error(1, "An unknown error has occurred.", status=500)
        if asked_for_fields or strikes("created_then_400"):
            message = "This endpoint does not support the requested response format"
            return "created_then_400", error(20, message, subcode=1772107)
        return None, answer({"id": made.id}, headers=self._limits.headers())

    def _refused(self, comment_id: str, text: str, found: Response) -> Response:
        self._journal.write(
            "reply", comment_id=comment_id, status=found.status_code, effect="none", text=text
        )
        return found
