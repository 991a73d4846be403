"""The simulated X API's webhooks and subscriptions, for the app's own token.

GET    /2/webhooks                 what is registered, and whether it passed its latest challenge
POST   /2/webhooks                 {"url"}: registers an address that passes the challenge
PUT    /2/webhooks/{id}            makes the challenge again
DELETE /2/webhooks/{id}            nothing is delivered any more
GET    /2/activity/subscriptions   the account's, while there is a webhook
POST   /2/activity/subscriptions   {"event_type", "filter", "webhook_id"}: another one

An address that was given otherwise (`/sim/callback`) has all subscriptions; one registered here has none.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.simulation import Deliveries, Faults
from connectors.x.simulator.answers import answer, problem
from connectors.x.simulator.config import SimulatorConfig
from connectors.x.simulator.door import token_of

WEBHOOK_ID: Final = "1146654567674912769"
_EVENTS: Final = ("post.create", "post.mention.create", "post.reply.create")
_FAILED: Final = "Crc check failed, the response_token is not the one that was expected"


class WebhooksApi:
    """One webhook; `test` makes the challenge."""

    def __init__(
        self,
        config: SimulatorConfig,
        deliveries: Deliveries,
        faults: Faults,
        test: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._config = config
        self._faults = faults
        self._deliveries = deliveries
        self._test = test
        self._created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.valid = config.callback_url is not None
        self._made: list[str] | None = None

    async def webhooks(self, request: Request) -> Response:
        """GET and POST /2/webhooks."""
        if token_of(request) != self._config.app_token:
            return problem(403, "Forbidden", "This takes the app's own token.")
        if request.method == "GET":
            known = [self._json()] if self._deliveries.callback_url else []
            listed: dict[str, Any] = {"data": known} if known else {}
            return answer({**listed, "meta": {"result_count": len(known)}})
        try:
            url = str(json.loads(await request.body())["url"])
        except (ValueError, KeyError, TypeError):
            return problem(400, "Invalid Request", "url is missing", kind="invalid-request")
        if self._made is not None and url == self._deliveries.callback_url:
            return problem(400, "Invalid Request", "There is a webhook for this URL.", kind="invalid-request")
        if not await self._test(url):
            return problem(400, "CrcValidationFailed", _FAILED, kind="invalid-request")
        self._deliveries.callback_url, self.valid, self._made = url, True, []
        return answer({"data": self._json()})

    async def webhook(self, request: Request) -> Response:
        """PUT and DELETE /2/webhooks/{id}."""
        if token_of(request) != self._config.app_token:
            return problem(403, "Forbidden", "This takes the app's own token.")
        if request.method == "DELETE":
            self._deliveries.callback_url, self.valid = None, False
            return answer({"data": {"deleted": True}})
        return answer({"data": {"attempted": await self.check()}})

    async def subscriptions(self, request: Request) -> Response:
        """GET and POST /2/activity/subscriptions."""
        if token_of(request) != self._config.app_token:
            return problem(403, "Forbidden", "This takes the app's own token.")
        if request.method == "POST":
            return self._subscribe(await request.body())
        subscribed = self._deliveries.callback_url is not None and not self._faults.strikes("unsubscribed")
        kinds = (_EVENTS if self._made is None else self._made) if subscribed else ()
        data = [
            {
                "subscription_id": f"{WEBHOOK_ID}{number}",
                "event_type": kind,
                "filter": {"user_id": self._config.account_id},
                "webhook_id": WEBHOOK_ID,
            }
            for number, kind in enumerate(kinds)
        ]
        return answer({**({"data": data} if data else {}), "meta": {"result_count": len(data)}})

    def _subscribe(self, body: bytes) -> Response:
        try:
            wanted = json.loads(body)
            kind, user, webhook = wanted["event_type"], wanted["filter"]["user_id"], wanted["webhook_id"]
        except (ValueError, KeyError, TypeError):
            return problem(400, "Invalid Request", "event_type, filter or webhook_id", kind="invalid-request")
        if (user, webhook) != (self._config.account_id, WEBHOOK_ID) or kind not in _EVENTS:
            return problem(400, "Invalid Request", "No such user, webhook or event.", kind="invalid-request")
        made = self._made if self._made is not None else list(_EVENTS)
        if kind in made:
            return problem(409, "DuplicateSubscription", "There is one like this.", kind="duplicate")
        self._made = [*made, kind]
        subscription = {"event_type": kind, "filter": {"user_id": user}, "webhook_id": webhook}
        return answer({"data": {"subscription": subscription}})

    async def check(self) -> bool:
        """Makes the challenge again, as X does every hour; one that fails invalidates the webhook."""
        url = self._deliveries.callback_url
        self.valid = url is not None and await self._test(url)
        return self.valid

    def _json(self) -> dict[str, Any]:
        return {
            "id": WEBHOOK_ID,
            "url": self._deliveries.callback_url,
            "valid": self.valid,
            "created_at": self._created,
        }
