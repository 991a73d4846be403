"""The simulated APIs around comments: posts, counts, roles, organisations, notifications, subscriptions.

Source: sections 5.1 and 5.5 of the platform contracts, and LinkedIn's documentation of each.
"""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.linkedin.simulator import listing
from connectors.linkedin.simulator.answers import answer, error, missing
from connectors.linkedin.simulator.door import Door
from connectors.linkedin.simulator.wire import SUBSCRIBER
from connectors.linkedin.webhook import EVENT_TYPE
from connectors.simulation import Api

if TYPE_CHECKING:
    from connectors.linkedin.simulator.server import Simulator

_ACTIONS: Final = re.compile(r"List\(([A-Z_,]*)\)")
_RANGE: Final = re.compile(r"\(start:(\d+),end:(\d+)\)")
_YEAR: Final = 31_536_000_000


class PageApi(Api):
    """Handlers of `/rest/posts`, `/rest/socialMetadata`, `/rest/organizationAcls` and the rest."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator)
        self._config = simulator.config
        self._world = simulator.world
        self._wire = simulator.wire
        self._deliveries = simulator.deliveries
        self._door = door
        self._holes: dict[str, tuple[int, int]] = {}

    async def posts(self, request: Request) -> Response:
        """GET: the finder by author, last modified first."""
        newest = sorted(self._world.posts.values(), key=lambda post: post.created, reverse=True)
        items = [listing.post_object(self._world, post) for post in newest if not post.removed]
        if request.query_params.get("author") != self._world.account_id:
            items = []
        return self._answered(request, "posts", lambda: self._page(request, items))

    async def post(self, request: Request) -> Response:
        """GET: one post, by share or ugcPost alone."""
        urn = request.path_params["urn"]
        found = None if ":activity:" in urn else self._world.post(urn)
        return self._answered(
            request,
            urn,
            lambda: answer(listing.post_object(self._world, found)) if found else missing(urn),
        )

    async def metadata(self, request: Request) -> Response:
        """GET: what is counted on a post; the counts are shown to roles that see no comments, too."""
        urn = request.path_params["urn"]
        found = self._world.post(urn)
        return self._answered(
            request, urn, lambda: answer(listing.metadata(self._world, found)) if found else missing(urn)
        )

    async def roles(self, request: Request) -> Response:
        """GET: the member's roles."""
        role = "ANALYST" if self._door.is_analyst(request) else "ADMINISTRATOR"
        item = {
            "role": role,
            "organization": self._world.account_id,
            "roleAssignee": SUBSCRIBER,
            "state": "APPROVED",
        }
        items = [] if self._door.is_stranger(request) else [item]
        return self._answered(request, "organizationAcls", lambda: self._page(request, items))

    async def organisation(self, request: Request) -> Response:
        """GET: the organisation's names."""
        number = request.path_params["number"]
        content = {
            "id": int(self._config.organisation_id),
            "localizedName": self._config.organisation_name,
            "vanityName": "parley-test",
        }
        known = number == self._config.organisation_id
        return self._answered(request, number, lambda: answer(content) if known else missing(number))

    async def notifications(self, request: Request) -> Response:
        """GET: the notices of 60 days, newest first."""
        if self._faults.strikes("no_notices"):
            refused = error(403, "Not enough permissions to access this resource", code="ACCESS_DENIED")
            return self._answered(request, "notifications", lambda: refused)
        query = request.query_params
        actions = _ACTIONS.fullmatch(query.get("actions", ""))
        within = _RANGE.fullmatch(query.get("timeRange", ""))
        if actions is None or query.get("organizationalEntity") != self._world.account_id:
            wrong = error(400, "Invalid query parameters", code="ILLEGAL_ARGUMENT")
            return self._answered(request, "notifications", lambda: wrong)
        start, end = (int(within[1]), int(within[2])) if within else (0, 2**63)
        wanted = set(actions[1].split(","))
        items = [
            item
            for item in reversed(self._wire.kept)
            if item["action"] in wanted and start <= item["lastModifiedAt"] <= end
        ]
        return self._answered(request, "notifications", lambda: self._page(request, items))

    async def subscriptions(self, request: Request) -> Response:
        """GET: the event subscriptions of app and member, one as long as none is missing."""
        url = self._deliveries.callback_url or "https://example.org/webhooks"
        item = {
            "eventSubscription": {
                "developerApplication": f"urn:li:developerApplication:{self._config.application_id}",
                "user": SUBSCRIBER,
                "entity": self._world.account_id,
                "eventType": EVENT_TYPE,
            },
            "webhook": url,
            "expiresAt": listing.milliseconds() + _YEAR,
        }
        items = [] if self._faults.strikes("not_subscribed") else [item]
        return self._answered(request, "eventSubscriptions", lambda: self._page(request, items))

    async def subscription(self, request: Request) -> Response:
        """PUT: the app's subscription of its member to the organisation, at an address."""
        parts = (
            f"developerApplication:urn:li:developerApplication:{self._config.application_id}",
            f"user:{SUBSCRIBER}",
            f"entity:{self._world.account_id}",
            f"eventType:{EVENT_TYPE}",
        )
        try:
            url = str(json.loads(await request.body())["webhook"])
        except (ValueError, KeyError, TypeError):
            url = ""

        def put() -> Response:
            if request.path_params["key"] != f"({','.join(parts)})" or not url:
                return error(403, "Not enough permissions to subscribe", code="ACCESS_DENIED")
            self._deliveries.callback_url = url
            return Response(status_code=204)

        refused = self._door.refusal(request, is_read=False)
        return self._noted("subscribe", "eventSubscriptions", refused or put())

    def _page(self, request: Request, items: list[dict[str, Any]]) -> Response:
        query = dict(request.query_params)
        return answer(listing.page(items, request.url.path, query, self._faults, self._holes))

    def _answered(self, request: Request, about: str, found: Callable[[], Response]) -> Response:
        return self._noted("read", about, self._door.refusal(request, is_read=True) or found())
