"""A simulated page behind real HTTP, and a receiver that it can deliver to."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from connectors.accounts import Account
from connectors.clients import Clients, open_clients
from connectors.facebook.simulator import Simulator, SimulatorConfig
from infra.settings import Settings
from schemas.events import Platform

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
def settings(simulator: Simulator) -> Settings:
    return Settings(
        facebook_graph_url=simulator.url,
        facebook_login_url=simulator.url,
        facebook_app_id=simulator.config.app_id,
        facebook_app_secret=APP_SECRET,
        facebook_verify_token="agreed word",
        posting_timeout=2,
    )


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


@pytest.fixture
async def clients(settings: Settings) -> AsyncIterator[Clients]:
    async with open_clients(settings) as opened:
        yield opened
