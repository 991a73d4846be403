"""The simulated Comments API: read, list, reply, edit, delete; with throttles and faults.

Source: sections 5.2 to 5.4 of the platform contracts.
"""

import re
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from connectors.linkedin.simulator import listing
from connectors.linkedin.simulator.answers import answer, error, missing
from connectors.linkedin.simulator.door import Door
from connectors.linkedin.simulator.world import activity_of
from connectors.linkedin.urns import comment_urn
from connectors.simulation import Api, Comment, Post, Replying, content_of, html_503

if TYPE_CHECKING:
    from connectors.linkedin.simulator.server import Simulator

_LITTLE_TEXT: Final = re.compile(r"\\(.)|[|{}@\[\]()<>#*_~]", re.DOTALL)


class CommentsApi(Api):
    """Handlers of `/rest/socialActions/{urn}/comments` and `/rest/socialActions/{urn}/comments/{id}`."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator)
        self._config = simulator.config
        self._world = simulator.world
        self._door = door
        self._holes: dict[str, tuple[int, int]] = {}
        self._replying = Replying(
            simulator,
            hang_seconds=simulator.config.hang_seconds,
            misleading={
                "reply_without_id": lambda _: answer(None, status=201),
                "reply_without_body": lambda made: answer(None, status=201, headers=_named(made)),
                "reply_without_header": lambda made: answer(self._object(made), status=201),
                "created_then_error": lambda _: error(500, "Internal Server Error"),
            },
        )

    async def comments(self, request: Request) -> Response:
        """GET lists, POST replies (or comments on a post)."""
        urn = request.path_params["urn"]
        refused = self._door.refusal(request, is_read=request.method == "GET")
        parent = self._parent(urn)
        if request.method == "POST":
            if refused is not None:
                return self._noted("reply", urn, refused)
            return self._reply(urn, await content_of(request))
        if refused is not None or parent is None:
            return self._noted("list", urn, refused or missing(urn))
        keys = self._world.below(parent, toplevel=True)
        there = [self._world.comments[key] for key in keys]
        now = time.time()
        shown = [comment for comment in there if not comment.removed and comment.listed_from <= now]
        if (
            self._door.is_analyst(request)
            or self._door.is_stranger(request)
            or self._faults.strikes("role_without_read")
        ):
            shown = []
        path = f"/rest/socialActions/{quote(urn, safe='')}/comments"
        content = listing.page(
            shown,
            path,
            dict(request.query_params),
            self._faults,
            self._holes,
            self._object,
        )
        return self._noted("list", urn, answer(content), count=len(content["elements"]))

    async def comment(self, request: Request) -> Response:
        """GET reads, POST with PARTIAL_UPDATE edits, DELETE deletes."""
        kind = {"GET": "read", "POST": "change", "DELETE": "delete"}[request.method]
        number = request.path_params["number"]
        comment = self._world.comment(number)
        named = comment.id if comment else f"urn:li:comment:({request.path_params['urn']},{number})"
        refused = self._door.refusal(request, is_read=kind == "read")
        if refused is not None or comment is None:
            return self._noted(kind, named, refused or missing(named))
        if kind == "read":
            if self._faults.strikes("edited_between"):
                self._happenings.edit(comment, f"{comment.text} (edited)", by="author")
            return self._noted(kind, named, answer(self._object(comment)))
        if kind == "delete":
            self._happenings.remove(comment, by="api")
            return self._noted(kind, named, answer(None, status=204), "done")
        text = _patched(await content_of(request))
        if request.headers.get("x-restli-method", "").upper() != "PARTIAL_UPDATE" or text is None:
            return self._noted(
                kind, named, error(400, "A patch of message is required", code="ILLEGAL_ARGUMENT")
            )
        self._happenings.edit(comment, text, by="api")
        return self._noted(kind, named, answer(None, status=204), "done")

    def _parent(self, urn: str) -> Post | Comment | None:
        return self._world.comment(urn) if comment_urn(urn) else self._world.post(urn)

    def _reply(self, urn: str, body: dict[str, Any]) -> Response:
        parent = self._parent(urn)
        if isinstance(parent, Comment):
            parent = self._replying.still_there(parent)
        message = body.get("message")
        text = str(message.get("text") or "") if isinstance(message, dict) else ""
        refused = self._unfit(body, text, parent, urn) if parent is not None else missing(urn)
        if not isinstance(parent, Comment) or refused is not None:
            refused = refused or error(400, "Only replies are simulated", code="ILLEGAL_ARGUMENT")
            return self._noted("reply", urn, refused, text=text)
        kept = _read_as_little_text(text) if self._config.little_text else text
        return self._replying.reply(
            parent, kept, lambda made: answer(self._object(made), status=201, headers=_named(made))
        )

    def _unfit(self, body: dict[str, Any], text: str, parent: Post | Comment, urn: str) -> Response | None:
        """Why a reply is refused that has something to answer."""
        strikes = self._faults.strikes
        post = parent if isinstance(parent, Post) else self._world.posts[self._world.key(parent.post_id)]
        if body.get("actor") != self._world.account_id:
            return error(403, "Organization permissions must be used", code="ACCESS_DENIED")
        if "content" in body:
            return error(403, "Unpermitted fields present in REQUEST_BODY: [/content]")
        if body.get("object") not in (activity_of(post), post.id):
            return error(400, "Object does not match the entity commented on", code="ILLEGAL_ARGUMENT")
        if isinstance(parent, Comment) and body.get("parentComment") != urn:
            return error(400, "parentComment does not match", code="ILLEGAL_ARGUMENT")
        if not text or len(text) > self._config.reply_limit:
            return error(422, "ERROR :: /message/text :: length is out of range")
        if strikes("comments_disabled"):
            return error(403, "Comments are disabled on this thread", code="ACCESS_DENIED")
        if strikes("duplicate_text"):
            return error(422, "Content is a duplicate of an earlier comment", code="DUPLICATE")
        if strikes("error_before"):
            return error(500, "Internal Server Error")
        if strikes("html_503"):
            return html_503()
        return self._door.may_reply()

    def _object(self, comment: Comment) -> dict[str, Any]:
        return listing.comment_object(self._world, comment)


def _named(made: Comment) -> dict[str, str]:
    """The header that names a reply."""
    urn = comment_urn(made.id)
    return {"x-restli-id": urn.number if urn else made.id}


def _patched(body: dict[str, Any]) -> str | None:
    """The text of a patch, in either of the two nestings that are told of."""
    patch = body.get("patch", {})
    for place in (patch.get("message", {}).get("$set", {}), patch.get("$set", {}).get("message", {})):
        if isinstance(place.get("text"), str):
            return str(place["text"])
    return None


def _read_as_little_text(text: str) -> str:
    """What is left of a text: escapes are resolved, and it ends where a character should have been one."""
    kept, end = [], 0
    for found in _LITTLE_TEXT.finditer(text):
        kept.append(text[end : found.start()])
        end = found.end()
        if found[1] is None:
            return "".join(kept)
        kept.append(found[1])
    return "".join([*kept, text[end:]])
