"""Webhooks of LinkedIn, subscribed to for an organisation when it is connected."""

from pathlib import Path

import httpx
import pytest

from connectors.accounts import Account
from connectors.journal import lines
from connectors.linkedin.client import linkedin_client
from connectors.linkedin.simulator import Simulator
from connectors.outcomes import Cause, Done, NotSent
from infra.settings import Settings


@pytest.fixture
def told(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"webhook_url": "https://parley.example.com/", "linkedin_application_id": "1"}
    )


def statuses(journal: Path) -> list[int]:
    return [line["status"] for line in lines(journal) if line["kind"] == "subscribe"]


async def test_an_organisation_is_subscribed_for_the_tokens_member_and_may_be_again(
    simulator: Simulator, account: Account, http: httpx.AsyncClient, told: Settings, journal: Path
) -> None:
    client = linkedin_client(account, simulator.config.member_token, http, told)
    for _ in range(2):
        assert await client.subscribe() == Done()
    assert simulator.deliveries.callback_url == "https://parley.example.com/webhooks/linkedin"
    assert statuses(journal) == [204, 204]


async def test_a_member_without_a_role_is_told(
    simulator: Simulator, account: Account, http: httpx.AsyncClient, told: Settings, journal: Path
) -> None:
    client = linkedin_client(account, simulator.config.stranger_token, http, told)
    outcome = await client.subscribe()
    assert isinstance(outcome, NotSent)
    assert outcome.cause is Cause.PERMISSION
    assert statuses(journal) == []


async def test_a_refusal_is_told_in_linkedins_words(
    simulator: Simulator, account: Account, http: httpx.AsyncClient, told: Settings
) -> None:
    other = told.model_copy(update={"linkedin_application_id": "2"})
    outcome = await linkedin_client(account, simulator.config.member_token, http, other).subscribe()
    assert isinstance(outcome, NotSent)
    assert "Not enough permissions to subscribe" in outcome.reason
    assert simulator.deliveries.callback_url is None


@pytest.mark.parametrize("lacking", ["webhook_url", "linkedin_application_id"])
async def test_what_is_not_set_is_named(
    simulator: Simulator, account: Account, http: httpx.AsyncClient, told: Settings, lacking: str
) -> None:
    given = told.model_copy(update={lacking: None})
    outcome = await linkedin_client(account, simulator.config.member_token, http, given).subscribe()
    assert isinstance(outcome, NotSent)
    assert f"PARLEY_{lacking.upper()}" in outcome.reason
