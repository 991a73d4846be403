"""Facebook fulfils the contract of a platform folder."""

from collections.abc import Callable

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.facebook.login import facebook_login
from connectors.facebook.simulator import Simulator
from connectors.facebook.webhook import FacebookWebhook
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
from tests.connectors.facebook.payloads import PAGE, POST, change, delivery

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
}


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


class SimulatedPage:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.post_id = next(iter(simulator.world.posts.values())).id
        assert self.post_id != POST

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
        self._simulator.faults.set(FAULTS.get(what, what), count=1)

    def staff_reply(self, comment_id: str, text: str) -> str:
        return self._simulator.happenings.staff_reply(text, comment_id).id

    def replies(self, comment_id: str) -> list[str]:
        world = self._simulator.world
        comment = world.comment(comment_id)
        return [world.comments[key].text for key in comment.replies] if comment else []


@pytest.fixture
def page(simulator: Simulator) -> SimulatedPage:
    return SimulatedPage(simulator)


@pytest.fixture
def client(clients: Clients, account: Account) -> PlatformClient:
    return clients.client(account, "page-token")


class TestClient(ClientContract):
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
