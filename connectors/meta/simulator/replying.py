"""A request to reply to a comment of a simulated page or Instagram account, with all that can go wrong."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from connectors.meta.simulator.answers import answer, error, missing
from connectors.simulation import Answer, Api, Comment, Replying, html_503

if TYPE_CHECKING:
    from connectors.simulation import Simulation

Headers = Callable[[], Mapping[str, str]]


class GraphReplying(Api):
    """Replies of at most `limit` characters; `headers` are those of an answer.

    `unfit`: why the one platform refuses what the other would take; asked when nothing else refuses it.
    """

    def __init__(
        self,
        simulation: "Simulation",
        *,
        hang_seconds: float,
        limit: int,
        headers: Headers,
        unfit: Callable[[Comment], Response | None],
    ) -> None:
        super().__init__(simulation)
        self._world = simulation.world
        self._limit = limit
        self._headers = headers
        self._unfit = unfit
        self._replying = Replying(
            simulation,
            hang_seconds=hang_seconds,
            misleading={
                "reply_without_id": lambda _: answer({"success": True}),
                "created_then_error": lambda _: error(1, "An unknown error has occurred.", status=500),
                "created_then_400": unsupported,
            },
        )

    def asked(
        self,
        comment_id: str,
        params: Mapping[str, Any],
        answered: Answer | None = None,
    ) -> Response:
        """The answer to a request that the door let pass; `answered` where it is not the reply's id."""
        text = str(params.get("message") or "")
        parent = self._replying.still_there(self._world.comment(comment_id))
        if parent is None:
            bare = self._faults.strikes("gone_without_subcode")
            gone = missing("POST", comment_id, with_subcode=not bare)
            return self._noted("reply", comment_id, gone, text=text)
        refused = self._refusal(parent, text)
        if refused is not None:
            return self._noted("reply", comment_id, refused, text=text)
        return self._replying.reply(parent, text, answered or self._created)

    def _refusal(self, parent: Comment, text: str) -> Response | None:
        strikes = self._faults.strikes
        if not text or len(text) > self._limit:
            return error(100, "(#100) Param message must be non-empty and not too long")
        if strikes("duplicate_text"):
            return error(506, "Duplicate status message")
        if strikes("blocked"):
            return blocked()
        if strikes("error_before"):
            return error(2, "An unexpected error has occurred. Please retry your request later.", status=500)
        if strikes("html_503"):
            return html_503()
        return self._unfit(parent)

    def _created(self, made: Comment) -> Response:
        return answer({"id": made.id}, headers=self._headers())


def blocked() -> Response:
    """The error of an account whose replies are taken for abuse."""
    text = "The action attempted has been deemed abusive or is otherwise disallowed"
    return error(368, text, subcode=1390008)


def unsupported(_made: Comment) -> Response:
    """An error although the reply exists."""
    return error(20, "This endpoint does not support the requested response format", subcode=1772107)
