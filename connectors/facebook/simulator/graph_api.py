"""The simulated Graph API: read, list, reply, edit, hide, delete; with tokens, proofs, limits and faults.

Source: sections 2.1 to 2.5 of the platform contracts.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.facebook.simulator import listing
from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.door import Door
from connectors.facebook.simulator.limits import Limits
from connectors.journal import Journal
from connectors.meta.simulator.answers import answer, error, missing
from connectors.meta.simulator.calls import params_of, token_of
from connectors.simulation import Comment, Faults, Happenings, Post, Reset, Silence
from connectors.simulation.late import LATE_WRITE, reply_late

_HTML: Final = b"<html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"


class GraphApi:
    """Handlers of `/{version}/{object}` and `/{version}/{object}/comments`."""

    def __init__(
        self,
        config: SimulatorConfig,
        door: Door,
        happenings: Happenings,
        faults: Faults,
        limits: Limits,
        journal: Journal,
    ) -> None:
        self._config = config
        self._happenings = happenings
        self._world = happenings.world
        self._faults = faults
        self._limits = limits
        self._journal = journal
        self._door = door

    async def node(self, request: Request) -> Response:
        """GET reads, POST edits or hides, DELETE deletes."""
        params = await params_of(request)
        object_id = request.path_params["object_id"]
        kind = {"GET": "read", "POST": "change", "DELETE": "delete"}[request.method]
        refused = self._door.refusal(request, params, is_read=kind == "read")
        if refused is None and kind == "read":
            return self._read(object_id, params)
        comment = self._world.comment(object_id)
        if refused is None and comment is None:
            refused = missing(request.method, object_id)
        if refused is not None or comment is None:
            return self._noted(kind, object_id, refused or missing(request.method, object_id))
        if kind == "delete":
            self._happenings.remove(comment, by="api")
        elif "is_hidden" in params:
            self._happenings.set_hidden(comment, str(params["is_hidden"]).lower() in ("true", "1"), by="api")
        elif params.get("message"):
            self._happenings.edit(comment, str(params["message"]), by="api")
        else:
            return self._noted(kind, object_id, error(100, "(#100) Invalid parameter"))
        return self._noted(kind, object_id, answer({"success": True}, headers=self._limits.headers()), "done")

    async def comments(self, request: Request) -> Response:
        """GET lists, POST replies (or comments on a post)."""
        params = await params_of(request)
        object_id = request.path_params["object_id"]
        refused = self._door.refusal(request, params, is_read=request.method == "GET")
        if request.method == "POST":
            return self._noted("reply", object_id, refused) if refused else self._reply(object_id, params)
        parent: Post | Comment | None = self._world.post(object_id) or self._world.comment(object_id)
        if refused is not None or parent is None:
            return self._noted("list", object_id, refused or missing("GET", object_id))
        if token_of(request, params) == self._config.user_token:
            # The documented limitation: a user's token sees nothing, and no error.
            return self._noted("list", object_id, answer({"data": []}), "none")
        content = listing.page(
            self._world, parent, params, str(request.url), empty=bool(self._faults.strikes("empty_page"))
        )
        found = answer(content, headers=self._limits.headers())
        return self._noted("list", object_id, found, "none", count=len(content["data"]))

    async def posts(self, request: Request) -> Response:
        """GET lists the page's posts, the newest first."""
        params = await params_of(request)
        object_id = request.path_params["object_id"]
        refused = self._door.refusal(request, params, is_read=True)
        if refused is None and object_id != self._config.page_id:
            refused = missing("GET", object_id)
        content = listing.posts(self._world, params, str(request.url))
        found = refused or answer(content, headers=self._limits.headers())
        return self._noted("list_posts", object_id, found, count=len(content["data"]))

    def _read(self, object_id: str, params: Mapping[str, Any]) -> Response:
        comment = self._world.comment(object_id)
        if comment is not None and self._faults.strikes("edited_between"):
            self._happenings.edit(comment, f"{comment.text} (edited)", by="author")
        found: Comment | Post | None = comment or self._world.post(object_id)
        if found is None:
            bare = self._faults.strikes("gone_without_subcode")
            return self._noted("read", object_id, missing("GET", object_id, with_subcode=not bare))
        content = listing.fields_of(self._world, found, params.get("fields"))
        return self._noted("read", object_id, answer(content, headers=self._limits.headers()), "none")

    def _reply(self, object_id: str, params: Mapping[str, Any]) -> Response:
        text = str(params.get("message") or "")
        parent = self._world.comment(object_id)
        strikes = self._faults.strikes
        if parent is not None and strikes("deleted_before_reply"):
            self._happenings.remove(parent, by="author")
            parent = None
        if parent is None:
            bare = strikes("gone_without_subcode")
            refused: Response | None = missing("POST", object_id, with_subcode=not bare)
        elif not text or len(text) > 8000:
            refused = error(100, "(#100) Param message must be non-empty and not too long")
        elif strikes("duplicate_text"):
            refused = error(506, "Duplicate status message")
        elif strikes("blocked") or not self._limits.reply():
            refused = error(
                368,
                "The action attempted has been deemed abusive or is otherwise disallowed",
                subcode=1390008,
            )
        elif strikes("error_before"):
            refused = error(
                2, "An unexpected error has occurred. Please retry your request later.", status=500
            )
        elif strikes("html_503"):
            refused = Response(_HTML, 503, media_type="text/html")
        else:
            refused = None
        if parent is None or refused is not None:
            return self._noted("reply", object_id, refused or missing("POST", object_id), text=text)
        delay = strikes("delayed_listing")
        listed_after = delay.seconds if delay else 0.0
        if late := strikes(LATE_WRITE):
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

    def _after_effect(self, made: Comment) -> tuple[str | None, Response]:
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
        if strikes("created_then_400"):
            message = "This endpoint does not support the requested response format"
            return "created_then_400", error(20, message, subcode=1772107)
        return None, answer({"id": made.id}, headers=self._limits.headers())

    def _noted(
        self, kind: str, object_id: str, found: Response, effect: str = "none", **more: Any
    ) -> Response:
        self._journal.write(kind, comment_id=object_id, status=found.status_code, effect=effect, **more)
        return found
