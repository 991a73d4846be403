"""Facebook fulfils the contract of a platform folder."""

from collections.abc import Callable

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.facebook.login import facebook_login
from connectors.facebook.webhook import FacebookWebhook
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
from tests.connectors.facebook.payloads import PAGE, change, delivery


class TestWebhook(WebhookContract):
    @pytest.fixture
    def webhook(self) -> FacebookWebhook:
        return FacebookWebhook(app_secret="secret", verify_token="word")

    @pytest.fixture
    def signed(self) -> Signed:
        return lambda body: {HEADER: signature("secret", body)}

    @pytest.fixture
    def deliveries(self) -> Deliveries:
        return Deliveries(
            added=delivery(change()),
            edited=delivery(change(verb="edited", message="better now")),
            removed=delivery(change(verb="remove", message=None)),
            own_reply=delivery(change(comment_id="11_99", parent_id="11_22", author=PAGE)),
            own_reply_to="11_22",
            ignored={
                "item:reaction": delivery(change(item="reaction")),
                "item:other": delivery(change(item=["x"])),
                "verb:mute": delivery(change(verb="mute")),
                "own:top_level": delivery(change(author=PAGE)),
                "own:reply_removed": delivery(
                    change(verb="remove", comment_id="11_99", parent_id="11_22", author=PAGE)
                ),
                "field:mention": delivery(change(), field="mention"),
                "field:other": delivery(change(), field="§ \x00" * 100),
                "object:user": {**delivery(change()), "object": "user"},
                "entry:messaging": {"object": "page", "entry": [{"id": PAGE, "messaging": []}]},
            },
            malformed={
                "comment_id": delivery(change(comment_id=None)),
                "post_id": delivery(change(post_id={"a": 1})),
                "parent_id": delivery(change(parent_id="x" * 1000)),
                "message": delivery(change(message=["a"])),
                "message_too_long": delivery(change(message="ä" * 200_000)),
                "from": delivery({**change(), "from": "me"}),
                "id": delivery({**change(), "from": {"id": True}}),
                "value": {"object": "page", "entry": [{"id": PAGE, "changes": [{"field": "feed"}]}]},
                "change": {"object": "page", "entry": [{"id": PAGE, "changes": [None]}]},
                "changes": {"object": "page", "entry": [{"id": PAGE, "changes": {}}]},
                "entry_id": {"object": "page", "entry": [{"changes": []}]},
                "entry": {"object": "page", "entry": "all"},
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
    def stranger(self, clients: Clients, account: Account) -> PlatformClient:
        return clients.client(account, "user-token")


class TestLogin(LoginContract):
    @pytest.fixture
    def login(self, settings: Settings) -> Login:
        return facebook_login(settings)

    @pytest.fixture
    def client_of(self, clients: Clients, account: Account) -> Callable[[Token], PlatformClient]:
        return lambda token: clients.client(account, token.access)
