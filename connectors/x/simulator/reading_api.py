"""The simulated X API's reads: a user, posts by id, timelines, mentions, search."""

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.simulation import Comment, Post
from connectors.x.simulator.answers import answer, invalid, not_found, problem
from connectors.x.simulator.api import XApi
from connectors.x.simulator.asking import Question, question, token
from connectors.x.simulator.door import Door, token_of
from connectors.x.simulator.rendering import includes_json, names_account, post_json

if TYPE_CHECKING:
    from connectors.x.simulator.server import Simulator

SEARCH_HOLDS: Final = 7 * 86_400
MENTIONS_HELD: Final = 800
TIMELINE_HELD: Final = 3200
_CONVERSATION: Final = re.compile(r"conversation_id:(\d{1,19})")

Thing = Comment | Post


class ReadingApi(XApi):
    """Handlers of GET `/2/...`."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator, door)
        self._named: dict[str, bool] = {}

    async def me(self, request: Request) -> Response:
        """GET /2/users/me."""
        refused = self._refusal(request, "me")
        world = self._world
        user = {"id": world.account_id, "name": world.account_name, "username": world.username}
        if token_of(request) == self._config.stranger_token:
            user = {"id": "783214", "name": "A stranger", "username": "stranger"}
        headers = self._limits.headers("me")
        if refused is None and self._faults.strikes("read_only"):
            headers["x-access-level"] = "read"
        return self._noted("read", "me", refused or answer({"data": user}, headers=headers))

    async def post(self, request: Request) -> Response:
        """GET /2/tweets/{id}: the wording of that id, and the ids of all."""
        post_id = request.path_params["post_id"]
        asked = self._asked(request, "lookup", listing=False)
        if isinstance(asked, Response):
            return self._noted("read", post_id, asked)
        thing = self._world.find(post_id)
        if isinstance(thing, Comment) and self._faults.strikes("edited_between"):
            self._happenings.edit(thing, f"{thing.text} (edited)", by="author")
        if thing is None:
            content: dict[str, Any] = {"errors": [not_found(post_id)]}
        else:
            content = {"data": self._json(thing, asked, post_id)}
            if asked.expands:
                content["includes"] = self._includes([thing], asked)
        return self._noted("read", post_id, answer(content, headers=self._limits.headers("lookup")))

    async def posts(self, request: Request) -> Response:
        """GET /2/tweets?ids=..."""
        ids = request.query_params.get("ids", "").split(",")
        asked = self._asked(request, "lookup", listing=False)
        if isinstance(asked, Response):
            return self._noted("list", "posts", asked)
        found = [(post_id, self._world.find(post_id)) for post_id in ids]
        there = [(post_id, thing) for post_id, thing in found if thing is not None]
        content: dict[str, Any] = {}
        if there:
            content["data"] = [self._json(thing, asked, post_id) for post_id, thing in there]
            if asked.expands:
                content["includes"] = self._includes([thing for _, thing in there], asked)
        gone = [not_found(post_id) for post_id, thing in found if thing is None]
        if gone:
            content["errors"] = gone
        found_answer = answer(content, headers=self._limits.headers("lookup"))
        return self._noted("list", "posts", found_answer, count=len(there))

    async def timeline(self, request: Request) -> Response:
        """GET /2/users/{id}/tweets: the account's own posts and answers."""
        own = (thing for thing in self._world.things() if self._world.author(thing) == self._world.account_id)
        return self._listing(request, "timeline", own, held=TIMELINE_HELD)

    async def mentions(self, request: Request) -> Response:
        """GET /2/users/{id}/mentions: what names the account, also where X put the name."""
        named = (
            thing
            for thing in self._world.things()
            if isinstance(thing, Comment)
            and thing.author_id != self._world.account_id
            and self._is_named(thing)
        )
        return self._listing(request, "mentions", named, held=MENTIONS_HELD)

    async def search(self, request: Request) -> Response:
        """GET /2/tweets/search/recent, for `conversation_id:` terms joined by OR."""
        query = request.query_params.get("query", "")
        wanted = set(_CONVERSATION.findall(query))
        if not wanted or len(query) > 512:
            return invalid("query", query, "The query is not understood, or too long", renamed=self._renamed)
        asked = question(request, renamed=self._renamed, smallest=10)
        if isinstance(asked, Question) and 0 < asked.start < time.time() - SEARCH_HOLDS:
            given = request.query_params["start_time"]
            return invalid(
                "start_time", given, "'start_time' must be within seven days", renamed=self._renamed
            )
        found = (
            thing
            for thing in self._world.things()
            if (thing.post_id if isinstance(thing, Comment) else thing.id) in wanted
            and thing.created >= time.time() - SEARCH_HOLDS
        )
        return self._listing(request, "search", found, smallest=10)

    def _listing(
        self,
        request: Request,
        endpoint: str,
        things: Iterable[Thing],
        *,
        smallest: int = 5,
        held: int | None = None,
    ) -> Response:
        asked = self._asked(request, endpoint, smallest=smallest)
        if isinstance(asked, Response):
            return self._noted("list", endpoint, asked)
        now = time.time()
        shown = sorted(
            (
                (int(self._world.wordings(thing)[-1].id), thing)
                for thing in things
                if (thing.listed_from if isinstance(thing, Comment) else 0.0) <= now
                and int(thing.created) + 1 > asked.start
            ),
            key=lambda pair: pair[0],
            reverse=True,
        )[:held]
        rest = [
            (number, thing)
            for number, thing in shown
            if number > asked.since_id and (asked.below is None or number < asked.below)
        ]
        page, more = rest[: asked.size], len(rest) > asked.size
        if page and not asked.skipped and self._faults.strikes("empty_page"):
            again = token(page[0][0] + 1, skipped=True)
            empty = {"meta": {"result_count": 0, "next_token": again}}
            return self._noted(
                "list", endpoint, answer(empty, headers=self._limits.headers(endpoint)), count=0
            )
        meta: dict[str, Any] = {"result_count": len(page)}
        content: dict[str, Any] = {}
        if page:
            content["data"] = [self._json(thing, asked, str(number)) for number, thing in page]
            if asked.expands:
                content["includes"] = self._includes([thing for _, thing in page], asked)
            meta |= {"newest_id": str(page[0][0]), "oldest_id": str(page[-1][0])}
        if more:
            meta["next_token"] = token(page[-1][0])
        content["meta"] = meta
        found = answer(content, headers=self._limits.headers(endpoint))
        return self._noted("list", endpoint, found, count=len(page))

    def _is_named(self, comment: Comment) -> bool:
        wording = self._world.wordings(comment)[-1].id
        if wording not in self._named:
            self._named[wording] = names_account(self._world, comment)
        return self._named[wording]

    def _json(self, thing: Thing, asked: Question, post_id: str) -> dict[str, Any]:
        wordings = self._world.wordings(thing)
        wording = next((each for each in wordings if each.id == post_id), wordings[-1])
        return post_json(self._world, thing, wording, asked.fields, renamed=self._renamed)

    def _includes(self, things: list[Thing], asked: Question) -> dict[str, Any]:
        return includes_json(self._world, things, asked.fields, renamed=self._renamed)

    def _asked(self, request: Request, endpoint: str, **form: Any) -> Question | Response:
        return self._refusal(request, endpoint) or question(request, renamed=self._renamed, **form)

    def _refusal(self, request: Request, endpoint: str) -> Response | None:
        refused = self._door.refusal(request, endpoint)
        if refused is None and self._faults.strikes("read_error"):
            return problem(500, "Internal Server Error", "Internal Server Error")
        return refused
