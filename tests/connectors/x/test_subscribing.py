"""Webhooks of X, made for an account when it is connected."""

from collections.abc import AsyncIterator

import httpx
import pytest

from connectors.accounts import Account, KnownAccounts
from connectors.catalogue import webhooks
from connectors.outcomes import Cause, Done, NotSent
from connectors.receiver import Receiver, receiver_app
from connectors.simulation.serving import serving
from connectors.x.client import XClient, x_client
from connectors.x.simulator import Simulator
from infra.settings import Settings
from schemas.codec import load
from tests.connectors.receiving import Kafka
from tests.connectors.simulated import settled


@pytest.fixture
def published() -> Kafka:
    return Kafka()


@pytest.fixture
async def public(settings: Settings, account: Account, published: Kafka) -> AsyncIterator[str]:
    """The public address of a receiver."""
    receiver = Receiver(
        webhooks=webhooks(settings),
        accounts=KnownAccounts([account]),
        publisher=published,
        codec=load(),
        body_limit=1_000_000,
    )
    async with serving(receiver_app(receiver)) as url:
        yield url


@pytest.fixture
def connected(account: Account, http: httpx.AsyncClient, settings: Settings, public: str) -> XClient:
    return x_client(account, "user-token", http, settings.model_copy(update={"webhook_url": public}))


async def subscriptions(simulator: Simulator, http: httpx.AsyncClient) -> list[str]:
    answer = await http.get(
        f"{simulator.url}/2/activity/subscriptions", headers={"Authorization": "Bearer app-token"}
    )
    return sorted(entry["event_type"] for entry in answer.json().get("data", []))


async def test_what_is_missing_is_made_once_and_then_comments_come(
    simulator: Simulator, connected: XClient, http: httpx.AsyncClient, public: str, published: Kafka
) -> None:
    assert (await connected.check()).subscribed is False
    for _ in range(2):
        assert await connected.subscribe() == Done()
        assert simulator.deliveries.callback_url == f"{public}/webhooks/x"
        assert await subscriptions(simulator, http) == [
            "post.create",
            "post.mention.create",
            "post.reply.create",
        ]
    assert (await connected.check()).subscribed is True
    [comment] = simulator.add_comments([{"text": "hello"}])
    await settled(simulator)
    assert [event.platform_comment_id for event in published.records] == [comment]


async def test_a_subscription_that_is_there_alone_is_completed(
    simulator: Simulator, connected: XClient, http: httpx.AsyncClient, public: str
) -> None:
    app = {"Authorization": "Bearer app-token"}
    made = await http.post(f"{simulator.url}/2/webhooks", json={"url": f"{public}/webhooks/x"}, headers=app)
    wanted = {
        "event_type": "post.reply.create",
        "filter": {"user_id": connected.account.account_id},
        "webhook_id": made.json()["data"]["id"],
    }
    await http.post(f"{simulator.url}/2/activity/subscriptions", json=wanted, headers=app)
    assert (await connected.check()).subscribed is False
    assert await connected.subscribe() == Done()
    assert len(await subscriptions(simulator, http)) == 3


async def test_a_webhook_that_failed_its_test_is_tested_again(
    simulator: Simulator, connected: XClient
) -> None:
    assert await connected.subscribe() == Done()
    simulator.webhooks.valid = False
    assert (await connected.check()).subscribed is False
    assert await connected.subscribe() == Done()
    assert (await connected.check()).subscribed is True


async def test_an_address_that_does_not_answer_is_told_in_xs_words(
    simulator: Simulator, account: Account, http: httpx.AsyncClient, settings: Settings
) -> None:
    nowhere = settings.model_copy(update={"webhook_url": "http://127.0.0.1:1"})
    outcome = await x_client(account, "user-token", http, nowhere).subscribe()
    assert isinstance(outcome, NotSent)
    assert "Crc check failed" in outcome.reason
    assert simulator.deliveries.callback_url is None


async def test_a_known_webhook_that_fails_its_test_again_is_told(
    simulator: Simulator, account: Account, http: httpx.AsyncClient, settings: Settings
) -> None:
    simulator.deliveries.callback_url, simulator.webhooks.valid = "http://127.0.0.1:1/webhooks/x", False
    nowhere = settings.model_copy(update={"webhook_url": "http://127.0.0.1:1"})
    outcome = await x_client(account, "user-token", http, nowhere).subscribe()
    assert isinstance(outcome, NotSent)
    assert "PARLEY_X_CONSUMER_SECRET" in outcome.reason


@pytest.mark.parametrize("lacking", ["webhook_url", "x_bearer_token"])
async def test_what_is_not_set_is_named(
    account: Account, http: httpx.AsyncClient, settings: Settings, public: str, lacking: str
) -> None:
    given = settings.model_copy(update={"webhook_url": public, lacking: None})
    outcome = await x_client(account, "user-token", http, given).subscribe()
    assert isinstance(outcome, NotSent)
    assert f"PARLEY_{lacking.upper()}" in outcome.reason


async def test_a_token_that_may_not_see_webhooks_makes_none(
    account: Account, http: httpx.AsyncClient, settings: Settings, public: str
) -> None:
    given = settings.model_copy(update={"webhook_url": public})
    wrong = Settings(**{**given.model_dump(), "x_bearer_token": "user-token"})
    outcome = await x_client(account, "user-token", http, wrong).subscribe()
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.PERMISSION
