"""The simulated X API's writes: reply, delete, hide."""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.journal import Journal
from connectors.simulation import Comment, Faults, Happenings, Reset, Silence
from connectors.simulation.late import LATE_WRITE, reply_late
from connectors.x.length import REPLY_LIMIT, weighted_length
from connectors.x.simulator.answers import answer, forbidden, invalid, not_found, problem
from connectors.x.simulator.config import SimulatorConfig
from connectors.x.simulator.door import Door
from connectors.x.simulator.limits import Limits
from connectors.x.simulator.rendering import summons
from connectors.x.simulator.world import XWorld

_HTML: Final = b"<html><head><title>Error</title></head><body>Something went wrong.</body></html>"
_GONE: Final = "You attempted to reply to a Tweet that is deleted or not visible to you."
_UNSUMMONED: Final = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by "
    "the author of the post you are replying to."
)


class WritingApi:
    """Handlers of POST, PUT and DELETE below `/2/tweets`."""

    def __init__(
        self,
        config: SimulatorConfig,
        world: XWorld,
        happenings: Happenings,
        faults: Faults,
        limits: Limits,
        journal: Journal,
        door: Door,
    ) -> None:
        self._config = config
        self._world = world
        self._happenings = happenings
        self._faults = faults
        self._limits = limits
        self._journal = journal
        self._door = door

    async def create(self, request: Request) -> Response:
        """POST /2/tweets with `reply.in_reply_to_tweet_id`."""
        content = await _content(request)
        text = str(content.get("text") or "")
        reply = content.get("reply")
        target = str(reply.get("in_reply_to_tweet_id", "")) if isinstance(reply, dict) else ""
        refused = self._door.refusal(request, "create")
        parent = self._world.comment(target)
        if refused is None:
            if parent is not None and self._faults.strikes("deleted_before_reply"):
                self._happenings.remove(parent, by="author")
                parent = None
            refused = self._refused(parent, text)
        if refused is not None or parent is None:
            return self._noted("reply", target, refused or forbidden(_GONE), text=text)
        delay = self._faults.strikes("delayed_listing")
        listed_after = delay.seconds if delay else 0.0
        if late := self._faults.strikes(LATE_WRITE):
            return reply_late(
                self._happenings, self._journal, late, parent=parent, text=text,
                hang_seconds=self._config.hang_seconds, listed_after=listed_after,
            )  # fmt: skip
        made = self._happenings.own_reply(text, parent.id, listed_after=listed_after)
        fault, found = self._after_effect(made)
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
        content = await _content(request)
        refused = self._door.refusal(request, "hide")
        found = self._world.comment(post_id)
        hidden = content.get("hidden")
        if refused is None and not isinstance(hidden, bool):
            renamed = self._config.field_names == "post"
            refused = invalid("hidden", str(hidden), "hidden must be a boolean", renamed=renamed)
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
            return problem(503, "Service Unavailable", "Over capacity")
        if strikes("html_503"):
            return Response(_HTML, 503, media_type="text/html")
        return None

    def _after_effect(self, made: Comment) -> tuple[str | None, Response]:
        """(fault, answer) to a reply that exists by now."""
        strikes = self._faults.strikes
        if strikes("reply_without_id"):
            return "reply_without_id", answer({}, status=201)
        if strikes("created_then_timeout"):
            return "created_then_timeout", Silence(self._config.hang_seconds)
        if strikes("created_then_reset"):
            return "created_then_reset", Reset()
        if strikes("created_then_error"):
            return "created_then_error", problem(503, "Service Unavailable", "Over capacity")
        headers = {
            **self._limits.headers("create"),
            "location": f"https://api.x.com/2/tweets/{made.id}",
        }
        return None, answer({"data": {"id": made.id, "text": made.text}}, status=201, headers=headers)

    def _noted(
        self, kind: str, comment_id: str, found: Response, effect: str = "none", **more: Any
    ) -> Response:
        self._journal.write(kind, comment_id=comment_id, status=found.status_code, effect=effect, **more)
        return found


async def _content(request: Request) -> dict[str, Any]:
    try:
        parsed = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
