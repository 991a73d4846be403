"""The simulated API of comments: read, list, reply, hide, delete; with tokens, limits and faults.

Source: section 3 of the platform contracts. Replies, from "IG Comment Replies": below top-level comments
alone (a reply to a reply is put below the top-level one), none to hidden comments; recorded: with `fields`
the reply is created and the answer is an error.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.instagram.simulator.door import Door
from connectors.instagram.simulator.listing import Listings
from connectors.meta.simulator.answers import answer, error, missing
from connectors.meta.simulator.calls import params_of
from connectors.meta.simulator.replying import GraphReplying, unsupported
from connectors.simulation import Api, Comment

if TYPE_CHECKING:
    from connectors.instagram.simulator.server import Simulator

LIMIT: Final = 2200
"""Characters of a comment."""


class GraphApi(Api):
    """Handlers of `/{version}/{object}` and its edges `comments`, `replies` and `media`."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator)
        self._world = simulator.world
        self._limits = simulator.limits
        self._door = door
        self._replying = GraphReplying(
            simulator,
            hang_seconds=simulator.config.hang_seconds,
            limit=LIMIT,
            headers=simulator.limits.headers,
            unfit=_unfit,
        )

    async def node(self, request: Request) -> Response:
        """GET reads, POST hides or shows, DELETE deletes."""
        params = await params_of(request)
        object_id = request.path_params["object_id"]
        kind = {"GET": "read", "POST": "change", "DELETE": "delete"}[request.method]
        refused = self._door.refusal(request, params, is_read=kind == "read")
        if refused is not None:
            return self._noted(kind, object_id, refused)
        if kind == "read":
            return self._noted(kind, object_id, self._read(request, object_id, params))
        comment = self._world.comment(object_id)
        if comment is None:
            return self._noted(kind, object_id, missing(request.method, object_id))
        if kind == "delete":
            self._happenings.remove(comment, by="api")
        elif "hide" in params:
            # The account's own comments stay visible, and no error says so.
            if not self._world.is_own(comment):
                hidden = str(params["hide"]).lower() in ("true", "1")
                self._happenings.set_hidden(comment, hidden, by="api")
        else:
            return self._noted(kind, object_id, error(100, "(#100) The parameter hide is required"))
        return self._noted(kind, object_id, answer({"success": True}, headers=self._limits.headers()), "done")

    async def comments(self, request: Request) -> Response:
        """GET lists a media's top-level comments, newest first."""
        object_id = request.path_params["object_id"]
        post = self._world.post(object_id)
        keys = self._world.newest_first(post.id) if post is not None else None
        return await self._list(request, f"{object_id}/comments", keys)

    async def replies(self, request: Request) -> Response:
        """GET lists a comment's replies, POST replies."""
        object_id = request.path_params["object_id"]
        if request.method == "POST":
            params = await params_of(request)
            refused = self._door.refusal(request, params, is_read=False)
            if refused is not None:
                return self._noted("reply", object_id, refused)
            return self._replying.asked(object_id, params, unsupported if "fields" in params else None)
        comment = self._world.comment(object_id)
        return await self._list(request, f"{object_id}/replies", comment.replies if comment else None)

    async def media(self, request: Request) -> Response:
        """GET lists the account's media."""
        params = await params_of(request)
        object_id = request.path_params["object_id"]
        refused = self._door.refusal(request, params, is_read=True)
        if refused is None and object_id != self._world.account_id:
            refused = missing("GET", object_id)
        if refused is not None:
            return self._noted("list", object_id, refused)
        blind = "empty_answers" in self._faults.on
        content = self._listings(request).all_media(params, f"{object_id}/media", blind=blind)
        found = answer(content, headers=self._limits.headers())
        return self._noted("list", object_id, found, count=len(content["data"]))

    async def _list(self, request: Request, path: str, keys: list[str] | None) -> Response:
        params = await params_of(request)
        object_id = request.path_params["object_id"]
        refused = self._door.refusal(request, params, is_read=True)
        if refused is not None or keys is None:
            return self._noted("list", object_id, refused or missing("GET", object_id))
        if "empty_answers" in self._faults.on:
            return self._noted("list", object_id, answer({"data": []}), count=0)
        empty = bool(self._faults.strikes("empty_page"))
        content = self._listings(request).comments(keys, params, path, empty=empty)
        found = answer(content, headers=self._limits.headers())
        return self._noted("list", object_id, found, count=len(content["data"]))

    def _read(self, request: Request, object_id: str, params: Mapping[str, Any]) -> Response:
        listings, headers = self._listings(request), self._limits.headers()
        if object_id == self._world.account_id:
            account = {"id": object_id, "username": self._world.account_name, "name": "Parley Shop"}
            return answer(account, headers=headers)
        comment, post = self._world.comment(object_id), self._world.post(object_id)
        if comment is not None:
            if self._faults.strikes("edited_between"):
                self._happenings.edit(comment, f"{comment.text} (edited)", by="author")
            return answer(listings.comment(comment, params.get("fields")), headers=headers)
        if post is not None:
            return answer(listings.media(post, params.get("fields")), headers=headers)
        bare = self._faults.strikes("gone_without_subcode")
        return missing("GET", object_id, with_subcode=not bare)

    def _listings(self, request: Request) -> Listings:
        base = str(request.base_url).rstrip("/")
        return Listings(self._world, f"{base}/{request.path_params['version']}")


def _unfit(parent: Comment) -> Response | None:
    return error(100, "(#100) Replies to hidden comments are not supported") if parent.hidden else None
