"""The simulated X API's writes: reply, delete, hide."""

from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.simulation import Comment, Replying, content_of, html_503
from connectors.x.client import REPLY_LIMIT
from connectors.x.simulator.answers import answer, forbidden, invalid, not_found, problem
from connectors.x.simulator.api import XApi
from connectors.x.simulator.door import Door
from connectors.x.simulator.rendering import summons
from schemas.lengths import weighted_length

if TYPE_CHECKING:
    from connectors.x.simulator.server import Simulator

_GONE: Final = "You attempted to reply to a Tweet that is deleted or not visible to you."
_UNSUMMONED: Final = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by "
    "the author of the post you are replying to."
)


class WritingApi(XApi):
    """Handlers of POST, PUT and DELETE below `/2/tweets`."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator, door)
        self._replying = Replying(
            simulator,
            hang_seconds=simulator.config.hang_seconds,
            misleading={
                "reply_without_id": lambda _: answer({}, status=201),
                "created_then_error": lambda _: _over_capacity(),
            },
        )

    async def create(self, request: Request) -> Response:
        """POST /2/tweets with `reply.in_reply_to_tweet_id`."""
        content = await content_of(request)
        text = str(content.get("text") or "")
        reply = content.get("reply")
        target = str(reply.get("in_reply_to_tweet_id", "")) if isinstance(reply, dict) else ""
        refused = self._door.refusal(request, "create")
        parent = self._world.comment(target)
        if refused is None:
            parent = self._replying.still_there(parent)
            refused = self._refused(parent, text)
        if refused is not None or parent is None:
            return self._noted("reply", target, refused or forbidden(_GONE), text=text)
        return self._replying.reply(parent, text, self._created)

    async def delete(self, request: Request) -> Response:
        """DELETE /2/tweets/{id}: own posts alone."""
        post_id = request.path_params["post_id"]
        refused = self._door.refusal(request, "delete")
        found = self._world.comment(post_id)
        headers = self._limits.headers("delete")
        if refused is not None:
            return self._noted("delete", post_id, refused)
        if found is None:
            gone = answer({"errors": [not_found(post_id)]}, headers=headers)
            return self._noted("delete", post_id, gone)
        if found.author_id != self._world.account_id:
            return self._noted("delete", post_id, forbidden("You are not permitted to delete this Tweet."))
        self._happenings.remove(found, by="api")
        return self._noted("delete", post_id, answer({"data": {"deleted": True}}, headers=headers), "done")

    async def hide(self, request: Request) -> Response:
        """PUT /2/tweets/{id}/hidden: answers in the account's own conversations."""
        post_id = request.path_params["post_id"]
        content = await content_of(request)
        refused = self._door.refusal(request, "hide")
        found = self._world.comment(post_id)
        hidden = content.get("hidden")
        if refused is None and not isinstance(hidden, bool):
            refused = invalid("hidden", str(hidden), "hidden must be a boolean", renamed=self._renamed)
        if refused is None and (found is None or self._world.post(found.post_id) is None):
            refused = forbidden("You are not permitted to hide this reply.")
        if refused is not None or found is None or not isinstance(hidden, bool):
            return self._noted("change", post_id, refused or forbidden(_GONE))
        self._happenings.set_hidden(found, hidden, by="api")
        headers = self._limits.headers("hide")
        return self._noted("change", post_id, answer({"data": {"hidden": hidden}}, headers=headers), "done")

    def _refused(self, parent: Comment | None, text: str) -> Response | None:
        strikes = self._faults.strikes
        if parent is None:
            return forbidden(_GONE)
        if not text.strip() or weighted_length(text) > REPLY_LIMIT:
            return (
                forbidden("Your Tweet text is too long.")
                if text
                else problem(400, "Invalid Request", "Your Tweet text is empty.", kind="invalid-request")
            )
        if strikes("unsummoned") or (self._config.summons_required and not summons(self._world, parent)):
            return forbidden(_UNSUMMONED)
        if strikes("duplicate_text"):
            return forbidden("You are not allowed to create a Tweet with duplicate content.")
        if strikes("error_before"):
            return _over_capacity()
        if strikes("html_503"):
            return html_503()
        return None

    def _created(self, made: Comment) -> Response:
        headers = {
            **self._limits.headers("create"),
            "location": f"https://api.x.com/2/tweets/{made.id}",
        }
        return answer({"data": {"id": made.id, "text": made.text}}, status=201, headers=headers)


def _over_capacity() -> Response:
    return problem(503, "Service Unavailable", "Over capacity")
