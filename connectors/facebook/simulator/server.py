"""The simulated Facebook: one page behind HTTP, for tests, the demo, and whoever develops a connector."""

import time
from typing import Any

from fastapi import FastAPI

from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.door import Door
from connectors.facebook.simulator.faults import CATALOGUE
from connectors.facebook.simulator.graph_api import GraphApi
from connectors.facebook.simulator.limits import Limits
from connectors.facebook.simulator.login_api import LoginApi
from connectors.facebook.simulator.wire import PageWire
from connectors.facebook.simulator.world import PageWorld
from connectors.simulation import Comment, Faults, Notice, Simulation
from schemas.events import Platform


class Simulator(Simulation):
    """A simulated page."""

    world: PageWorld

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.limits = Limits(config, time.monotonic)
        self.wire = PageWire(config)
        super().__init__(
            Platform.FACEBOOK,
            config,
            world=PageWorld(config.page_id, config.page_name, posts=config.posts, first_id=config.first_id),
            wire=self.wire,
            faults=Faults(CATALOGUE),
        )

    def notice(self, verb: str, comment: Comment) -> Notice:
        """Everything is announced on the subscription `feed`."""
        return self.wire.notice(verb, comment)

    def unblock(self) -> None:
        """Ends a block (368)."""
        self.limits.unblock()

    def state(self) -> dict[str, Any]:
        """What exists now, and what of the page's hour is used."""
        return {**super().state(), "usage_percent": self.limits.percent}

    def routes(self, app: FastAPI) -> None:
        """The Graph API."""
        door = Door(self.config, self.faults, self.limits)
        graph, login = GraphApi(self, door), LoginApi(self, door)
        app.add_route("/{version}/dialog/oauth", login.consent, ["GET"])
        app.add_route("/{version}/oauth/access_token", login.token, ["GET", "POST"])
        app.add_route("/{version}/me/accounts", login.accounts, ["GET"])
        app.add_route("/{version}/me", login.me, ["GET"])
        app.add_route("/{version}/debug_token", login.debug, ["GET"])
        app.add_route("/{version}/{object_id}/subscribed_apps", login.subscriptions, ["GET", "POST"])
        app.add_route("/{version}/{object_id}/published_posts", graph.posts, ["GET"])
        app.add_route("/{version}/{object_id}/comments", graph.comments, ["GET", "POST"])
        app.add_route("/{version}/{object_id}", graph.node, ["GET", "POST", "DELETE"])
