"""A simulated Instagram account behind real HTTP, reached by either login."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.instagram.client import InstagramClient
from connectors.instagram.simulator import Simulator, SimulatorConfig
from infra.settings import Settings
from schemas.events import Platform
from tests.connectors.instagram.payloads import ACCOUNT, USERNAME

APP_SECRET = "app-secret"
TOKEN = "instagram-token"


@pytest.fixture
def account() -> Account:
    return Account(tenant_id="acme", platform=Platform.INSTAGRAM, account_id=ACCOUNT, username=USERNAME)


@pytest.fixture(params=["facebook", "instagram"])
async def simulator(journal: Path, request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    """An account with one media, not limited, in fast motion; once for each login."""
    made = Simulator(
        SimulatorConfig(
            account_id=ACCOUNT,
            username=USERNAME,
            login=request.param,
            posts=1,
            journal=journal,
            scale=1_000_000,
            gather_seconds=0,
        )
    )
    async with made.serving():
        yield made


@pytest.fixture
def settings(simulator: Simulator, patience: float) -> Settings:
    return Settings(
        instagram_login=simulator.config.login,
        instagram_graph_url=simulator.url,
        instagram_login_url=simulator.url,
        instagram_token_url=simulator.url,
        facebook_app_id=simulator.config.app_id,
        facebook_app_secret=APP_SECRET,
        instagram_app_id=simulator.config.app_id,
        instagram_app_secret=APP_SECRET,
        instagram_verify_token="agreed word",
        posting_timeout=patience,
    )


@pytest.fixture
def client(clients: Clients, account: Account) -> InstagramClient:
    made = clients.client(account, TOKEN)
    assert isinstance(made, InstagramClient)
    return made
