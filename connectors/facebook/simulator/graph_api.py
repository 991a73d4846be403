"""The simulated Graph API: read, list, reply, edit, hide, delete; with tokens, proofs, limits and faults.

Source: sections 2.1 to 2.5 of the platform contracts.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.facebook.simulator import listing
from connectors.facebook.simulator.door import Door
from connectors.meta.simulator.answers import answer, error, missing
from connectors.meta.simulator.calls import params_of, token_of
from connectors.meta.simulator.replying import GraphReplying, blocked
from connectors.simulation import Api, Comment, Post

if TYPE_CHECKING:
    from connectors.facebook.simulator.server import Simulator

LIMIT: Final = 8000
"""Characters of a comment."""


class GraphApi(Api):
    """Handlers of `/{version}/{object}` and `/{version}/{object}/comments`."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator)
        self._config = simulator.config
        self._world = simulator.world
        self._limits = simulator.limits
        self._door = door
        self._replying = GraphReplying(
            simulator,
            hang_seconds=simulator.config.hang_seconds,
            limit=LIMIT,
            headers=simulator.limits.headers,
            unfit=lambda _: None if self._limits.reply() else blocked(),
        )

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
            if refused is not None:
                return self._noted("reply", object_id, refused)
            return self._replying.asked(object_id, params)
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
