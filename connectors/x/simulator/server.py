"""The simulated X: one account behind HTTP, for tests, the demo, and whoever develops a connector.

Beside what all simulators offer: POST /sim/challenge makes the webhook's challenge (CRC) now and tells if it
passed; POST /sim/expire ends every access token.
"""

import time

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.simulation import Comment, Faults, Notice, Simulation
from connectors.x.simulator.config import SimulatorConfig
from connectors.x.simulator.door import Door
from connectors.x.simulator.faults import CATALOGUE
from connectors.x.simulator.limits import Limits
from connectors.x.simulator.reading_api import ReadingApi
from connectors.x.simulator.tokens import Tokens
from connectors.x.simulator.webhooks_api import WebhooksApi
from connectors.x.simulator.wire import XWire, challenge
from connectors.x.simulator.world import XWorld
from connectors.x.simulator.writing_api import WritingApi
from schemas.events import Platform


class Simulator(Simulation):
    """A simulated account of X."""

    world: XWorld

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.limits = Limits(config.scale, time.time)
        self.tokens = Tokens(config)
        world = XWorld(
            config.account_id,
            config.account_name,
            config.username,
            posts=config.posts,
            first_id=config.first_id,
        )
        self.wire = XWire(config, world)
        super().__init__(Platform.X, config, world=world, wire=self.wire, faults=Faults(CATALOGUE))
        self.webhooks = WebhooksApi(
            config, self.deliveries, self.faults, lambda url: challenge(url, config.consumer_secret)
        )

    def notice(self, verb: str, comment: Comment) -> Notice | None:
        """Posts by others that answer or name the account, and its own."""
        return self.wire.notice(verb, comment)

    def routes(self, app: FastAPI) -> None:
        """API v2, OAuth, and what only this simulator does on request."""
        door = Door(self.config, self.tokens, self.faults, self.limits)
        reads, writes = ReadingApi(self, door), WritingApi(self, door)
        app.add_route("/2/users/me", reads.me, ["GET"])
        app.add_route("/2/users/{user_id}/mentions", reads.mentions, ["GET"])
        app.add_route("/2/users/{user_id}/tweets", reads.timeline, ["GET"])
        app.add_route("/2/tweets/search/recent", reads.search, ["GET"])
        app.add_route("/2/tweets", reads.posts, ["GET"])
        app.add_route("/2/tweets", writes.create, ["POST"])
        app.add_route("/2/tweets/{post_id}", reads.post, ["GET"])
        app.add_route("/2/tweets/{post_id}", writes.delete, ["DELETE"])
        app.add_route("/2/tweets/{post_id}/hidden", writes.hide, ["PUT"])
        app.add_route("/2/webhooks", self.webhooks.webhooks, ["GET", "POST"])
        app.add_route("/2/webhooks/{webhook_id}", self.webhooks.webhook, ["PUT", "DELETE"])
        app.add_route("/2/activity/subscriptions", self.webhooks.subscriptions, ["GET", "POST"])
        app.add_route("/2/oauth2/token", self.tokens.token, ["POST"])
        app.add_route("/i/oauth2/authorize", self.tokens.authorize, ["GET"])
        app.add_route("/sim/challenge", self._challenge, ["POST"])
        app.add_route("/sim/expire", self._expire, ["POST"])

    async def _challenge(self, _request: Request) -> Response:
        return JSONResponse({"passed": await self.webhooks.check()})

    async def _expire(self, _request: Request) -> Response:
        self.tokens.expire()
        return JSONResponse({})
