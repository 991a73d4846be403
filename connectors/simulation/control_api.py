"""Requests by which a person or a test makes things happen on a simulated platform: `/sim/...`.

POST   /sim/comments              {"comments": [{"text", "post_id", "parent_id", "author_id", "author_name",
                                  "photo", "ref"}]}; all but text optional -> {"ids": [...]}; with "rate" (a
                                  second) they come one after the other, and the answer at once
GET    /sim/comments              every comment as it is now, the account's own and the removed among them
POST   /sim/comments/{id}/{what}  edit or staff_reply ({"text"}), remove, hide, unhide, like
POST   /sim/posts                 {"text"}: the account publishes a post -> {"id"}
POST   /sim/callback              {"url"}: where webhooks go
GET    /sim/faults                the catalogue, what is on, how often each struck
POST   /sim/faults                {"name", "count", "probability", "seconds"}; all but name optional
DELETE /sim/faults[/{name}]       switches all, or one, off
POST   /sim/unblock               ends a block for too many replies
GET    /sim/state                 what exists, and how many notices are not delivered yet
"""

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.simulation.api import content_of

if TYPE_CHECKING:
    from connectors.simulation.simulation import Simulation

_COMMENT: Final = frozenset({"text", "post_id", "parent_id", "author_id", "author_name", "photo", "ref"})


class ControlApi:
    """Handlers of `/sim/...`; wrong requests are answered 400 with what is wrong."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._streams: set[asyncio.Task[list[str]]] = set()

    def add_to(self, app: FastAPI) -> None:
        """Adds the routes."""
        app.add_route("/sim/comments", self.comments, ["POST"])
        app.add_route("/sim/comments", self.everything, ["GET"])
        app.add_route("/sim/comments/{comment_id:path}/{what}", self.happen, ["POST"])
        app.add_route("/sim/posts", self.posts, ["POST"])
        app.add_route("/sim/callback", self.callback, ["POST"])
        app.add_route("/sim/faults", self.faults, ["GET", "POST", "DELETE"])
        app.add_route("/sim/faults/{name}", self.faults, ["DELETE"])
        app.add_route("/sim/unblock", self.unblock, ["POST"])
        app.add_route("/sim/state", self.state, ["GET"])

    async def comments(self, request: Request) -> Response:
        """POST /sim/comments."""
        content = await content_of(request)
        items = content.get("comments")
        if not isinstance(items, list) or not all(_is_comment(item) for item in items):
            return _wrong(f"comments: a list of objects with text and some of {sorted(_COMMENT)}")
        rate = content.get("rate")
        if isinstance(rate, (int, float)) and rate > 0:
            task = asyncio.create_task(self._simulation.stream(items, rate=rate))
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
            return JSONResponse({})
        try:
            return JSONResponse({"ids": self._simulation.add_comments(items)})
        except KeyError as error:
            return _wrong(f"no such post or comment: {error}")

    async def everything(self, _request: Request) -> Response:
        """GET /sim/comments."""
        world = self._simulation.world
        items = [
            {
                "id": comment.id,
                "text": comment.text,
                "hidden": comment.hidden,
                "removed": comment.removed,
                "own": comment.author_id == world.account_id,
            }
            for comment in world.comments.values()
        ]
        # Escaped by json.dumps: a lone surrogate in a text has no UTF-8 form.
        return Response(json.dumps({"comments": items}), media_type="application/json")

    async def happen(self, request: Request) -> Response:
        """POST /sim/comments/{id}/{what}."""
        happenings = self._simulation.happenings
        comment = self._simulation.world.comment(request.path_params["comment_id"])
        if comment is None:
            return _wrong("no such comment")
        text = str((await content_of(request)).get("text") or "")
        match request.path_params["what"]:
            case "edit":
                happenings.edit(comment, text, by="author")
            case "remove":
                happenings.remove(comment, by="author")
            case "hide" | "unhide" as what:
                happenings.set_hidden(comment, what == "hide", by="staff")
            case "like":
                happenings.like(comment)
            case "staff_reply":
                return JSONResponse({"id": happenings.staff_reply(text, comment.id).id})
            case what:
                return _wrong(f"nothing called {what} can happen to a comment")
        return JSONResponse({"id": comment.id})

    async def posts(self, request: Request) -> Response:
        """POST /sim/posts."""
        text = str((await content_of(request)).get("text") or "")
        return JSONResponse({"id": self._simulation.world.add_post(text).id})

    async def callback(self, request: Request) -> Response:
        """POST /sim/callback."""
        url = (await content_of(request)).get("url")
        self._simulation.deliveries.callback_url = str(url) if url else None
        return JSONResponse({"url": url})

    async def faults(self, request: Request) -> Response:
        """GET, POST and DELETE /sim/faults."""
        faults = self._simulation.faults
        if request.method == "DELETE":
            faults.clear(request.path_params.get("name"))
        elif request.method == "POST":
            content = await content_of(request)
            options = {key: content[key] for key in ("count", "probability", "seconds") if key in content}
            try:
                faults.set(str(content.get("name")), **options)
            except KeyError as error:
                return _wrong(f"no fault {error}; there are: {', '.join(faults.catalogue)}")
        on = {name: dataclasses.asdict(fault) for name, fault in faults.on.items()}
        return JSONResponse({"on": on, "struck": faults.struck, "catalogue": dict(faults.catalogue)})

    async def unblock(self, _request: Request) -> Response:
        """POST /sim/unblock."""
        self._simulation.unblock()
        return JSONResponse({})

    async def state(self, _request: Request) -> Response:
        """GET /sim/state."""
        return JSONResponse(self._simulation.state())


def _is_comment(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("text"), str) and item.keys() <= _COMMENT


def _wrong(message: str) -> Response:
    return JSONResponse({"error": message}, 400)
