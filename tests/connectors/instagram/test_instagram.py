"""Instagram fulfils the contract of a platform folder, by either login."""

from collections.abc import Callable

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.instagram.login import instagram_login
from connectors.instagram.simulator import Simulator
from connectors.instagram.webhook import InstagramWebhook
from connectors.meta.signing import HEADER, signature
from connectors.platform import Login, PlatformClient, Token
from infra.settings import Settings
from tests.connectors.contract import (
    ActivityContract,
    CheckContract,
    ClientContract,
    Deliveries,
    LoginContract,
    Signed,
    WebhookContract,
)
from tests.connectors.instagram.payloads import ACCOUNT, OWN, delivery, value

FAULTS = {
    "created_no_id": "reply_without_id",
    "created_timeout": "created_then_timeout",
    "late_write": "late_write",
    "created_reset": "created_then_reset",
    "created_error": "created_then_error",
    "error": "error_before",
    "throttled": "throttle",
    "auth": "expired_token",
    "permission": "missing_permission",
    "blocked": "blocked",
    "duplicate": "duplicate_text",
    "gone": "deleted_before_reply",
    "read_error": "read_error",
    "empty_page": "empty_page",
    "missing_scope": "missing_scope",
    "unsubscribed": "unsubscribed",
}


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


class SimulatedAccount:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.post_id = next(iter(simulator.world.posts.values())).id

    def comment(self, text: str) -> str:
        return self._simulator.add_comments([{"text": text}])[0]

    def remove(self, comment_id: str) -> None:
        comment = self._simulator.world.comment(comment_id)
        assert comment
        self._simulator.happenings.remove(comment, by="author")

    def edit(self, comment_id: str, text: str) -> None:
        comment = self._simulator.world.comment(comment_id)
        assert comment
        self._simulator.happenings.edit(comment, text, by="author")

    def fault(self, what: str) -> None:
        self._simulator.faults.set(FAULTS[what], count=1)

    def staff_reply(self, comment_id: str, text: str) -> str:
        return self._simulator.happenings.staff_reply(text, comment_id).id

    def replies(self, comment_id: str) -> list[str]:
        world = self._simulator.world
        comment = world.comment(comment_id)
        return [world.comments[key].text for key in comment.replies] if comment else []


@pytest.fixture
def page(simulator: Simulator) -> SimulatedAccount:
    return SimulatedAccount(simulator)


class TestClient(ClientContract):
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
