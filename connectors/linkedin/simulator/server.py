"""The simulated LinkedIn: one organisation behind HTTP, for tests, the demo, and who develops a connector.

Beside `/sim/...`, which all simulators have, `POST /sim/challenge` tests the webhook's address now.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.linkedin.simulator.challenges import Challenges
from connectors.linkedin.simulator.comments_api import CommentsApi
from connectors.linkedin.simulator.config import SimulatorConfig
from connectors.linkedin.simulator.door import Door
from connectors.linkedin.simulator.faults import CATALOGUE
from connectors.linkedin.simulator.page_api import PageApi
from connectors.linkedin.simulator.tokens import Tokens
from connectors.linkedin.simulator.wire import NotificationWire
from connectors.linkedin.simulator.world import OrganisationWorld
from connectors.linkedin.urns import organisation_urn
from connectors.simulation import Comment, Faults, Notice, Simulation
from schemas.events import Platform


class Simulator(Simulation):
    """A simulated organisation."""

    world: OrganisationWorld

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        world = OrganisationWorld(
            organisation_urn(config.organisation_id),
            config.organisation_name,
            posts=config.posts,
            first_id=config.first_id,
        )
        faults = Faults(CATALOGUE)
        self.wire = NotificationWire(config, faults)
        self.tokens = Tokens(config, faults)
        super().__init__(Platform.LINKEDIN, config, world=world, wire=self.wire, faults=faults)
        self.challenges = Challenges(config, self.deliveries, faults, self.journal)

    def notice(self, verb: str, comment: Comment) -> Notice | None:
        """Everything but hiding, which LinkedIn does not know."""
        return self.wire.notice(verb, comment, self.world)

    def unblock(self) -> None:
        """Ends the block of an address that failed its challenges."""
        self.challenges.unblock()

    def state(self) -> dict[str, Any]:
        """What exists now; the account by its organisation's id."""
        blocked = self.challenges.blocked is not None
        return {**super().state(), "account_id": self.config.organisation_id, "webhook_blocked": blocked}

    def routes(self, app: FastAPI) -> None:
        """The Community Management API and OAuth."""
        door = Door(self.config, self.faults, self.tokens)
        comments, page = CommentsApi(self, door), PageApi(self, door)
        app.add_route("/sim/challenge", self._challenge, ["POST"])
        app.add_route("/rest/socialActions/{urn}/comments", comments.comments, ["GET", "POST"])
        app.add_route(
            "/rest/socialActions/{urn}/comments/{number}", comments.comment, ["GET", "POST", "DELETE"]
        )
        app.add_route("/rest/socialMetadata/{urn}", page.metadata, ["GET"])
        app.add_route("/rest/posts", page.posts, ["GET"])
        app.add_route("/rest/posts/{urn}", page.post, ["GET"])
        app.add_route("/rest/organizationAcls", page.roles, ["GET"])
        app.add_route("/rest/organizations/{number}", page.organisation, ["GET"])
        app.add_route("/rest/organizationalEntityNotifications", page.notifications, ["GET"])
        app.add_route("/rest/eventSubscriptions", page.subscriptions, ["GET"])
        app.add_route("/rest/eventSubscriptions/{key}", page.subscription, ["PUT"])
        app.add_route("/oauth/v2/authorization", self.tokens.authorization, ["GET"])
        app.add_route("/oauth/v2/accessToken", self.tokens.access_token, ["POST"])
        app.add_route("/oauth/v2/introspectToken", self.tokens.introspection, ["POST"])

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """As every simulation, and challenges the address now and then."""
        async with super().serving(host, port) as url:
            challenging = asyncio.create_task(self.challenges.run())
            try:
                yield url
            finally:
                challenging.cancel()
                await asyncio.gather(challenging, return_exceptions=True)

    async def _challenge(self, _request: Request) -> Response:
        return JSONResponse({"outcome": await self.challenges.once()})
