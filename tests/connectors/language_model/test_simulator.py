"""The simulated endpoint: its answers as the vendor's schema has them, its latency, limits and controls."""

import json
import random
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from connectors.language_model.client import _read
from connectors.language_model.errors import Unanswerable
from connectors.language_model.simulator import Simulator, SimulatorConfig
from connectors.language_model.simulator.faults import CATALOGUE, REFUSALS
from connectors.language_model.simulator.latency import Latency, go_duration
from connectors.language_model.simulator.writing import reply_to

FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures" / "openai"
recorded = pytest.mark.skipif(not FIXTURES.exists(), reason="../shared/fixtures/openai is not there")
KEY = {"Authorization": "Bearer sk-simulated"}
ASKED: dict[str, Any] = {
    "model": "gpt-5.4-mini",
    "messages": [{"role": "system", "content": "Write."}, {"role": "user", "content": "Hello"}],
}


def schema(name: str) -> dict[str, Any]:
    document = json.loads((FIXTURES / "openai-openapi" / "chat-completions.reduced.json").read_text())
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


async def call(simulator: Simulator, **changes: Any) -> httpx.Response:
    async with simulator.serving() as url, httpx.AsyncClient() as client:
        return await client.post(f"{url}/chat/completions", headers=KEY, json={**ASKED, **changes})


def quick(**changes: Any) -> Simulator:
    return Simulator(SimulatorConfig(median=0, p99=0, seed=1, **changes))


@recorded
@pytest.mark.parametrize("fault", ["", "refusal", "truncated", "content_filter", "not_json", "echo_prompt"])
async def test_answers_validate_against_the_official_schema(fault: str) -> None:
    simulator = quick()
    if fault:
        simulator.faults.set(fault)
    response = await call(simulator)
    assert response.status_code == 200
    jsonschema.validate(response.json(), schema("CreateChatCompletionResponse"))


@pytest.mark.parametrize(("fault", "said"), [("echo_prompt", "Write."), ("echo_comment", "Hello")])
async def test_it_can_be_made_to_repeat_what_it_was_told(fault: str, said: str) -> None:
    simulator = quick()
    simulator.faults.set(fault)
    content = (await call(simulator)).json()["choices"][0]["message"]["content"]
    assert said in content


async def test_it_can_fall_silent_and_come_back() -> None:
    simulator = quick()
    async with simulator.serving() as url, httpx.AsyncClient(timeout=0.5) as client:
        simulator.faults.set("gone_silent", seconds=60)
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{url}/chat/completions", headers=KEY, json=ASKED)
        simulator.faults.clear("gone_silent")
    assert (await call(simulator)).status_code == 200


@recorded
@pytest.mark.parametrize("fault", sorted(REFUSALS))
async def test_errors_validate_against_the_official_schema(fault: str) -> None:
    simulator = quick()
    simulator.faults.set(fault)
    response = await call(simulator)
    assert response.status_code == REFUSALS[fault].status
    jsonschema.validate(response.json(), schema("ErrorResponse"))


async def test_it_lists_the_models_that_it_answers_with() -> None:
    async with quick().serving() as url, httpx.AsyncClient() as client:
        listed = await client.get(f"{url}/models", headers=KEY)
        refused = await client.get(f"{url}/models", headers={"Authorization": "Bearer another"})
    assert listed.json()["object"] == "list"
    assert [(each["id"], each["object"]) for each in listed.json()["data"]] == [
        ("gpt-5.4-mini", "model"),
        ("gpt-5.4-mini-2026-03-17", "model"),
    ]
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")


@recorded
async def test_a_request_as_the_client_makes_it_validates_against_the_official_schema() -> None:
    form = {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": {"type": "object"}},
    }
    asked = {**ASKED, "response_format": form, "temperature": 0.7, "max_completion_tokens": 150}
    jsonschema.validate(asked, schema("CreateChatCompletionRequest"))
    assert (await call(quick(), **asked)).status_code == 200


def answers(node: Any) -> list[dict[str, Any]]:
    """Every chat completion in a recording, however deep."""
    if isinstance(node, str) and '"chat.completion"' in node:
        try:
            node = json.loads(node)
        except ValueError:
            return []
    if isinstance(node, dict):
        if node.get("object") == "chat.completion":
            return [node]
        node = list(node.values())
    return [found for each in node for found in answers(each)] if isinstance(node, list) else []


@recorded
def test_every_recorded_answer_is_read() -> None:
    documented = FIXTURES / "openai-openapi" / "documented-example-responses.json"
    files = [documented, *sorted(FIXTURES.glob("*/test_*.json"))]
    found = [each for file in files for each in answers(json.loads(file.read_text()))]
    assert len(found) >= 5
    outcomes: set[object] = set()
    for each in found:
        try:
            outcomes.add(bool(_read(each, "m").content))
        except Unanswerable as error:
            outcomes.add(error.reason)
    assert True in outcomes
    assert "refusal" in outcomes


def test_half_of_the_answers_are_slower_than_the_median_and_one_in_a_hundred_than_the_99th() -> None:
    latency = Latency(1.0, 4.0, random.Random(3))
    drawn = sorted(latency.draw() for _ in range(20_000))
    assert drawn[10_000] == pytest.approx(1.0, rel=0.05)
    assert drawn[19_800] == pytest.approx(4.0, rel=0.1)
    with pytest.raises(ValueError, match="median"):
        latency.set(2, 1)


async def test_rate_limits_show_in_the_headers_and_bite() -> None:
    simulator = quick(requests_per_minute=2)
    async with simulator.serving() as url, httpx.AsyncClient() as client:
        found = [await client.post(f"{url}/chat/completions", headers=KEY, json=ASKED) for _ in range(3)]
    assert [each.status_code for each in found] == [200, 200, 429]
    assert found[0].headers["x-ratelimit-limit-requests"] == "2"
    assert found[1].headers["x-ratelimit-remaining-requests"] == "0"
    assert float(found[2].headers["retry-after-ms"]) > 1000
    assert found[2].json()["error"]["code"] == "rate_limit_exceeded"


async def test_faults_latency_and_state_are_requests() -> None:
    async with quick().serving() as url, httpx.AsyncClient(base_url=url.removesuffix("/v1")) as client:
        assert (await client.post("/sim/faults", json={"name": "nonsense"})).status_code == 400
        on = (await client.post("/sim/faults", json={"name": "down", "seconds": 60})).json()
        assert set(on["catalogue"]) == set(CATALOGUE)
        down = await client.post("/v1/chat/completions", headers=KEY, json=ASKED)
        assert (down.status_code, down.headers["content-type"][:9]) == (503, "text/html")
        await client.delete("/sim/faults/down")
        assert (await client.post("/v1/chat/completions", headers=KEY, json=ASKED)).status_code == 200
        assert (await client.post("/sim/latency", json={"median": 3, "p99": 1})).status_code == 400
        assert (await client.get("/sim/state")).json()["calls"] == 2


@pytest.mark.parametrize(("seconds", "text"), [(0.012, "12ms"), (1, "1s"), (360, "6m0s"), (59.2, "1m0s")])
def test_reset_headers_are_written_as_durations(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


FAREWELLS = {
    "en": ("All the best", "Have a lovely day"),
    "es": ("¡Un saludo", "¡Que tengas un día"),
    "pt": ("Um abraço", "Tenha um ótimo dia"),
    "fr": ("Toute l'équipe vous salue", "Très belle journée"),
    "de": ("Viele Grüße", "Hab einen schönen Tag"),
    "it": ("Un saluto", "Buona giornata"),
}


@pytest.mark.parametrize("language", sorted(FAREWELLS))
def test_it_greets_first_and_bids_farewell_last_in_words_that_vary_with_the_seed(language: str) -> None:
    core = "Bonjour ! Merci. Un collègue s'en occupe."
    asked = f'<task language="{language}" max_characters="280">\n<template>{core}</template>'

    def written(seed: int) -> str:
        return reply_to([{"role": "user", "content": asked}], random.Random(seed))[0]

    texts = [written(seed) for seed in range(60)]
    assert texts == [written(seed) for seed in range(60)]
    assert len(set(texts)) > 6
    for text in texts:
        assert text.startswith(core)
        for farewell in FAREWELLS[language]:
            if farewell in text:
                assert not re.search(r"[.!] ", text.split(farewell)[1]), "nothing follows a farewell"
    assert all(any(farewell in text for text in texts) for farewell in FAREWELLS[language])
