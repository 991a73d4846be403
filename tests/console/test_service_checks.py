"""What the doctor says of accounts' polling and webhooks, the language model, waiting people and notices."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from connectors.language_model.simulator import Simulator, SimulatorConfig
from connectors.simulation.serving import serving
from console.checks.finding import Finding, Status
from console.checks.language_model import check_drafts, check_language_model
from console.checks.service import check_service
from console.checks.webhooks import lacking
from infra.postgres import Pool
from infra.settings import Settings
from schemas.events import Platform

integration = pytest.mark.integration


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    """An OpenAI-compatible endpoint that knows the key `right` and the model `known`."""

    async def models(request: Any) -> Response:
        if request.headers.get("authorization") != "Bearer right":
            return JSONResponse({"error": {}}, 401)
        return JSONResponse({"object": "list", "data": [{"id": "known"}]})

    app = FastAPI()
    app.add_route("/v1/models", models, ["GET"])
    async with serving(app) as url:
        yield f"{url}/v1"


def settings(url: str | None, key: str | None = "right", name: str = "known") -> Settings:
    return Settings(
        language_model_url=url,
        language_model_key=SecretStr(key) if key else None,
        language_model_name=name,
    )


async def model(given: Settings) -> Finding:
    (found,) = await check_language_model(given)
    assert bool(found.todo) == (found.status is not Status.OK)
    assert "right" not in found.found + found.todo
    return found


async def test_the_language_model_is_asked_for_its_models(endpoint: str) -> None:
    assert (await model(settings(endpoint))).status is Status.OK
    refused = await model(settings(endpoint, "wrong"))
    assert (refused.status, "PARLEY_LANGUAGE_MODEL_KEY" in refused.todo) == (Status.PROBLEM, True)
    unknown = await model(settings(endpoint, name="other"))
    assert (unknown.status, "known" in unknown.found) == (Status.WARNING, True)
    odd = await model(settings(f"{endpoint}/nowhere"))
    assert (odd.status, "404" in odd.found) == (Status.OK, True)
    away = await model(settings("http://127.0.0.1:1/v1"))
    assert (away.status, "PARLEY_LANGUAGE_MODEL_URL" in away.todo) == (Status.PROBLEM, True)
    assert (await model(settings(None, None))).found == "none is set up: templates draft"


async def test_an_endpoint_that_fails_is_told_apart_from_one_that_lists_no_models() -> None:
    async def fails(_request: Any) -> Response:
        return JSONResponse({"error": {}}, 503)

    app = FastAPI()
    app.add_route("/v1/models", fails, ["GET"])
    async with serving(app) as url:
        found = await model(settings(f"{url}/v1"))
    assert (found.status, "503" in found.found) == (Status.WARNING, True)


async def test_the_simulated_language_model_is_in_order() -> None:
    config = SimulatorConfig()
    async with Simulator(config).serving() as url:
        found = await model(settings(url, config.key, config.model))
    assert (found.status, config.model in found.found) == (Status.OK, True)


def test_what_webhooks_need_is_named_by_its_variable() -> None:
    bare = Settings()
    assert lacking(Platform.FACEBOOK, bare) == [
        "PARLEY_FACEBOOK_APP_SECRET",
        "PARLEY_FACEBOOK_VERIFY_TOKEN",
    ]
    assert lacking(Platform.INSTAGRAM, Settings(instagram_login="instagram")) == [
        "PARLEY_INSTAGRAM_APP_SECRET",
        "PARLEY_INSTAGRAM_VERIFY_TOKEN",
    ]
    assert lacking(Platform.X, Settings(x_consumer_secret=SecretStr("s"))) == []
    assert all(lacking(platform, bare) for platform in Platform)


async def service(database: str, given: Settings) -> dict[str, Finding]:
    return {each.name: each for each in await check_service(database, given)}


@integration
async def test_an_account_that_is_not_polled_or_whose_webhooks_are_refused_is_told(
    pool: Pool, database_url: str
) -> None:
    bare = await service(database_url, Settings())
    assert all(each.status is Status.OK for each in bare.values())
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name, mode, replies_per_minute, "
        "created_at, updated_at) values ('default', 'x', '1', 'n', 'auto', 1, now() - interval '1 d', "
        "now() - interval '1 d')"
    )
    found = await service(database_url, Settings())
    assert found["webhooks of x"].status is Status.WARNING
    assert "PARLEY_X_CONSUMER_SECRET" in found["webhooks of x"].todo
    assert (found["polling x/1"].status, "parley poll" in found["polling x/1"].todo) == (Status.PROBLEM, True)
    await pool.execute(
        "insert into account_polls (tenant_id, platform, account_id, last_good_at) "
        "values ('default', 'x', '1', now())"
    )
    assert (await service(database_url, Settings()))["polling"].status is Status.OK
    await pool.execute("delete from account_polls")
    await pool.execute("update social_accounts set arrival = 'webhook'")
    assert (await service(database_url, Settings()))["polling"].status is Status.OK
    await pool.execute("update social_accounts set arrival = 'polling'")
    found = await service(database_url, Settings())
    assert "webhooks of x" not in found
    assert found["polling x/1"].status is Status.PROBLEM
    await pool.execute(
        "insert into account_polls (tenant_id, platform, account_id, last_good_at) "
        "values ('default', 'x', '1', now())"
    )
    await pool.execute("update account_polls set problem = 'permission', problem_reason = 'tweet.read lacks'")
    found = await service(database_url, Settings())
    assert (found["polling x/1"].status, "tweet.read lacks" in found["polling x/1"].found) == (
        Status.PROBLEM,
        True,
    )


@integration
async def test_notices_that_do_not_arrive_are_a_problem(pool: Pool, database_url: str) -> None:
    await pool.execute("insert into notices (tenant_id, kind, subject) values ('default', 'escalated', 's')")
    found = (await service(database_url, Settings()))["notices"]
    assert (found.status, "nobody is told" in found.found) == (Status.WARNING, True)
    told = Settings(notify_webhook_url="http://127.0.0.1:1", notify_webhook_secret=SecretStr("s"))
    assert (await service(database_url, told))["notices"].found == "1 open, sent by webhook"
    await pool.execute(
        "insert into notice_deliveries (notice_id, channel, attempts, error) "
        "select notice_id, 'webhook', 2, 'HTTP 500' from notices"
    )
    found = (await service(database_url, told))["notices"]
    assert (found.status, "HTTP 500" in found.found) == (Status.PROBLEM, True)


@integration
async def test_a_model_that_has_not_written_yet_is_no_fault(pool: Pool, endpoint: str) -> None:
    (found,) = await check_drafts(pool, settings(endpoint))
    assert (found.status, "wrote 0, templates 0" in found.found) == (Status.OK, True)
