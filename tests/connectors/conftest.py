"""Fixtures of all platforms, over `account`, `simulator` and `settings`, of which each platform has its own.

Here these three are a simulated page; it is enough for what is the same on all platforms.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from connectors.accounts import Account
from connectors.catalogue import CONNECTORS
from connectors.clients import Clients, open_clients
from connectors.facebook.simulator import Simulator, SimulatorConfig
from connectors.simulation import Simulation
from connectors.simulation.serving import serving
from infra.settings import Settings
from schemas.events import Platform
from tests.connectors.receiving import Inbox, Kafka, received
from tests.connectors.simulated import SimulatedAccount

PAGE = "104000000000001"
APP_SECRET = "app-secret"
TOKEN = "page-token"


@pytest.fixture
def account() -> Account:
    return Account(tenant_id="acme", platform=Platform.FACEBOOK, account_id=PAGE)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
async def simulator(journal: Path) -> AsyncIterator[Simulator]:
    """A page with one post, not limited, in fast motion."""
    made = Simulator(
        SimulatorConfig(page_id=PAGE, posts=1, journal=journal, scale=1_000_000, gather_seconds=0)
    )
    async with made.serving():
        yield made


@pytest.fixture
def patience() -> float:
    """Seconds after which a client gives a call up; longer than any call takes on a machine that is busy."""
    return 20.0


@pytest.fixture
def settings(simulator: Simulator, patience: float) -> Settings:
    return Settings(
        facebook_graph_url=simulator.url,
        facebook_login_url=simulator.url,
        facebook_app_id=simulator.config.app_id,
        facebook_app_secret=APP_SECRET,
        facebook_verify_token="agreed word",
        posting_timeout=patience,
    )


@pytest.fixture
async def http(patience: float) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=patience) as opened:
        yield opened


@pytest.fixture
async def clients(settings: Settings) -> AsyncIterator[Clients]:
    async with open_clients(settings) as opened:
        yield opened


@pytest.fixture
def page(simulator: Simulation) -> SimulatedAccount:
    return SimulatedAccount(simulator)


@pytest.fixture
async def inbox(simulator: Simulation, settings: Settings, account: Account) -> AsyncIterator[Inbox]:
    made = Inbox(CONNECTORS[account.platform].webhook(settings), account)
    async with serving(made.app) as url:
        simulator.deliveries.callback_url = f"{url}/"
        yield made


@pytest.fixture
async def kafka(simulator: Simulation, settings: Settings, account: Account) -> AsyncIterator[Kafka]:
    """What Parley's receiver publishes of the simulator's deliveries, one of seven of them in doubt."""
    async with received(simulator, settings, account, Kafka(unacknowledged=7)) as made:
        yield made
