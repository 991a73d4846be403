"""A simulated X account behind real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from connectors.accounts import Account
from connectors.x.client import XClient, x_client
from connectors.x.simulator import Simulator, SimulatorConfig
from infra.settings import Settings
from tests.connectors.x.payloads import ACCOUNT


@pytest.fixture
def account() -> Account:
    return ACCOUNT


@pytest.fixture
def config(journal: Path) -> SimulatorConfig:
    """One post, not limited, in fast motion, of an app that may answer whom it likes."""
    return SimulatorConfig(
        posts=1, journal=journal, scale=1_000_000, gather_seconds=0, summons_required=False
    )


@pytest.fixture
async def simulator(config: SimulatorConfig) -> AsyncIterator[Simulator]:
    made = Simulator(config)
    async with made.serving():
        yield made


@pytest.fixture
def settings(simulator: Simulator, patience: float) -> Settings:
    return Settings(
        x_api_url=simulator.url,
        x_login_url=f"{simulator.url}/i/oauth2/authorize",
        x_client_id="client-id",
        x_client_secret="client-secret",
        x_consumer_secret="consumer-secret",
        x_bearer_token="app-token",
        x_field_names=simulator.config.field_names,
        posting_timeout=patience,
    )


@pytest.fixture
def client(simulator: Simulator, account: Account, http: httpx.AsyncClient, settings: Settings) -> XClient:
    return x_client(account, "user-token", http, settings)
