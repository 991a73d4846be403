"""The client of the simulated page."""

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.platform import PlatformClient
from tests.connectors.conftest import TOKEN


@pytest.fixture
def client(clients: Clients, account: Account) -> PlatformClient:
    return clients.client(account, TOKEN)
