"""The simulated Instagram: one account behind HTTP, for tests, the demo, and whoever develops a connector."""

import time
from typing import Any

from fastapi import FastAPI

from connectors.instagram.simulator.config import SimulatorConfig
from connectors.instagram.simulator.door import Door
from connectors.instagram.simulator.faults import CATALOGUE
from connectors.instagram.simulator.graph_api import GraphApi
from connectors.instagram.simulator.limits import Limits
from connectors.instagram.simulator.login_api import LoginApi
from connectors.instagram.simulator.wire import AccountWire
from connectors.instagram.simulator.world import AccountWorld
from connectors.simulation import Comment, Faults, Notice, Simulation
from schemas.events import Platform


class Simulator(Simulation):
    """A simulated account."""

    world: AccountWorld

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.limits = Limits(config, time.monotonic)
        world = AccountWorld(config.account_id, config.username, posts=config.posts, first_id=config.first_id)
        faults = Faults(CATALOGUE)
        self.wire = AccountWire(config, faults)
        super().__init__(Platform.INSTAGRAM, config, world=world, wire=self.wire, faults=faults)

    def notice(self, verb: str, comment: Comment) -> Notice | None:
        """New comments and replies are announced; edits, removals and hiding are not."""
        return self.wire.notice(comment) if verb == "add" else None

    def state(self) -> dict[str, Any]:
        """What exists now, and what of the account's day is used."""
        return {**super().state(), "usage_percent": self.limits.percent}

    def routes(self, app: FastAPI) -> None:
        """The Graph API and both logins."""
        door = Door(self.config, self.faults, self.limits)
        graph, login = GraphApi(self, door), LoginApi(self, door)
        app.add_route("/oauth/authorize", login.consent, ["GET"])
        app.add_route("/oauth/access_token", login.code, ["POST"])
        app.add_route("/access_token", login.long_lived, ["GET"])
        app.add_route("/refresh_access_token", login.renewed, ["GET"])
        app.add_route("/{version}/dialog/oauth", login.consent, ["GET"])
        app.add_route("/{version}/oauth/access_token", login.user_token, ["GET"])
        app.add_route("/{version}/debug_token", login.debug, ["GET"])
        app.add_route("/{version}/me", login.me, ["GET"])
        app.add_route("/{version}/me/accounts", login.accounts, ["GET"])
        app.add_route("/{version}/{object_id}/subscribed_apps", login.subscriptions, ["GET", "POST"])
        app.add_route("/{version}/{object_id}/media", graph.media, ["GET"])
        app.add_route("/{version}/{object_id}/comments", graph.comments, ["GET"])
        app.add_route("/{version}/{object_id}/replies", graph.replies, ["GET", "POST"])
        app.add_route("/{version}/{object_id}", graph.node, ["GET", "POST", "DELETE"])
