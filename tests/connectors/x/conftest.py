"""A simulated X account behind real HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
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
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


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
def settings(simulator: Simulator) -> Settings:
    return Settings(
        x_api_url=simulator.url,
        x_login_url=f"{simulator.url}/i/oauth2/authorize",
        x_client_id="client-id",
        x_client_secret="client-secret",
        x_consumer_secret="consumer-secret",
        x_bearer_token="app-token",
        x_field_names=simulator.config.field_names,
        posting_timeout=2,
    )


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as opened:
        yield opened


@pytest.fixture
def client(simulator: Simulator, account: Account, http: httpx.AsyncClient, settings: Settings) -> XClient:
    return x_client(account, "user-token", http, settings)


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
    "duplicate": "duplicate_text",
    "gone": "deleted_before_reply",
    "missing_scope": "read_only",
}


@dataclass
class SimulatedX:
    """`tests.connectors.contract.SimulatedAccount`."""

    simulator: Simulator

    @property
    def post_id(self) -> str:
        return next(iter(self.simulator.world.posts))

    def comment(self, text: str, **where: str) -> str:
        return self.simulator.add_comments([{"text": text, **where}])[0]

    def remove(self, comment_id: str) -> None:
        comment = self.simulator.world.comment(comment_id)
        assert comment
        self.simulator.happenings.remove(comment, by="author")

    def edit(self, comment_id: str, text: str) -> None:
        comment = self.simulator.world.comment(comment_id)
        assert comment
        self.simulator.happenings.edit(comment, text, by="author")

    def fault(self, what: str) -> None:
        self.simulator.faults.set(FAULTS.get(what, what), count=1)

    def staff_reply(self, comment_id: str, text: str) -> str:
        return self.simulator.happenings.staff_reply(text, comment_id).id

    def replies(self, comment_id: str) -> list[str]:
        world = self.simulator.world
        comment = world.comments.get(world.key(comment_id))
        below = [world.comments[key] for key in comment.replies] if comment else []
        return [each.text for each in below if each.author_id == world.account_id and not each.removed]


@pytest.fixture
def page(simulator: Simulator) -> SimulatedX:
    return SimulatedX(simulator)
