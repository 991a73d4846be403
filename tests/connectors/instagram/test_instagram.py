"""Instagram fulfils the contract of a platform folder, by either login."""

from collections.abc import Callable

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.instagram.login import instagram_login
from connectors.instagram.simulator import Simulator
from connectors.instagram.webhook import InstagramWebhook
from connectors.logins import Login, Token
from connectors.meta.signing import HEADER, signature
from connectors.platform import PlatformClient
from infra.settings import Settings
from tests.connectors.contract import (
    ActivityContract,
    CheckContract,
    ClientContract,
    Deliveries,
    ImpatienceContract,
    LoginContract,
    Signed,
    WebhookContract,
)
from tests.connectors.instagram.payloads import ACCOUNT, OWN, delivery, value


class TestWebhook(WebhookContract):
    @pytest.fixture
    def webhook(self) -> InstagramWebhook:
        return InstagramWebhook(app_secret="secret", verify_token="word")

    @pytest.fixture
    def signed(self) -> Signed:
        return lambda body: {HEADER: signature("secret", body)}

    @pytest.fixture
    def deliveries(self) -> Deliveries:
        return Deliveries(
            added=delivery(value()),
            own_reply=delivery(value(**{"id": "179002", "from": OWN, "parent_id": "179001"})),
            own_reply_to="179001",
            ignored={
                "own:top_level": delivery(value(**{"from": OWN})),
                "field:mentions": delivery({"comment_id": "1", "media_id": "2"}, field="mentions"),
                "field:story_insights": delivery(None, field="story_insights"),
                "field:other": delivery(value(), field="§ \x00" * 100),
                "object:page": {**delivery(value()), "object": "page"},
                "entry:messaging": {"object": "instagram", "entry": [{"id": ACCOUNT, "messaging": []}]},
                "entry:other": {"object": "instagram", "entry": [{"id": ACCOUNT}]},
            },
            malformed={
                "id": delivery(value(id=None)),
                "media": delivery(value(media=["x"])),
                "parent_id": delivery(value(parent_id="x" * 1000)),
                "text": delivery(value(text=["a"])),
                "text_too_long": delivery(value(text="ä" * 200_000)),
                "from": delivery(value(**{"from": "me"})),
                "value": delivery(None),
                "change": {"object": "instagram", "entry": [{"id": ACCOUNT, "changes": [None]}]},
                "changes": {"object": "instagram", "entry": [{"id": ACCOUNT, "changes": {}}]},
                "entry_id": {"object": "instagram", "entry": [{"changes": []}]},
                "entry": {"object": "instagram", "entry": "all"},
            },
        )


class TestClient(ClientContract):
    pass


class TestImpatience(ImpatienceContract):
    pass


class TestActivity(ActivityContract):
    pass


class TestCheck(CheckContract):
    @pytest.fixture
    def stranger(self, clients: Clients, account: Account, simulator: Simulator) -> PlatformClient:
        return clients.client(account, simulator.config.other_token)


class TestLogin(LoginContract):
    @pytest.fixture
    def login(self, settings: Settings) -> Login:
        return instagram_login(settings)

    @pytest.fixture
    def client_of(self, clients: Clients, account: Account) -> Callable[[Token], PlatformClient]:
        return lambda token: clients.client(account, token.access)
