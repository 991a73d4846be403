"""A simulated organisation behind real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from connectors.accounts import Account
from connectors.linkedin.client import LinkedInClient, linkedin_client
from connectors.linkedin.simulator import Simulator, SimulatorConfig
from infra.settings import Settings
from schemas.events import Platform
from tests.connectors.linkedin.payloads import ORGANISATION, SECRET


@pytest.fixture
def account() -> Account:
    return Account(tenant_id="acme", platform=Platform.LINKEDIN, account_id=ORGANISATION)


@pytest.fixture
async def simulator(journal: Path) -> AsyncIterator[Simulator]:
    """An organisation with one post, not limited, in fast motion."""
    made = Simulator(
        SimulatorConfig(
            organisation_id=ORGANISATION, posts=1, journal=journal, scale=1_000_000, gather_seconds=0
        )
    )
    async with made.serving():
        yield made


@pytest.fixture
def settings(simulator: Simulator, patience: float) -> Settings:
    return Settings(
        linkedin_api_url=simulator.url,
        linkedin_oauth_url=simulator.url,
        linkedin_client_id=simulator.config.client_id,
        linkedin_client_secret=SECRET,
        posting_timeout=patience,
    )


@pytest.fixture
def client(
    simulator: Simulator, account: Account, http: httpx.AsyncClient, settings: Settings
) -> LinkedInClient:
    return linkedin_client(account, simulator.config.member_token, http, settings)
