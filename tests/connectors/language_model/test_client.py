"""The client against the simulator over HTTP: what is sent, what comes back, what each failure means."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.language_model.client import Completion, LanguageModel, open_model
from connectors.language_model.errors import LanguageModelError, Stopped, Unanswerable, Unavailable
from connectors.language_model.simulator import Simulator, SimulatorConfig

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reply", "language", "confidence", "reasons"],
    "properties": {
        "reply": {"type": "string"},
        "language": {"type": "string"},
        "confidence": {"type": "number"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
}
USER = '<task language="es" max_characters="280"/>\n<template>¡Gracias!</template>\n<comment>Genial</comment>'


@asynccontextmanager
async def endpoint(
    timeout: float = 20, key: str = "sk-simulated", name: str = "gpt-5.4-mini", **config: Any
) -> AsyncIterator[tuple[Simulator, LanguageModel]]:
    simulator = Simulator(SimulatorConfig(median=0, p99=0, seed=1, **config))
    async with (
        simulator.serving() as url,
        open_model(
            url=url, key=key, name=name, temperature=0.7, max_tokens=150, timeout=timeout, concurrency=4
        ) as model,
    ):
        yield simulator, model


async def ask(model: LanguageModel, call_id: str = "r.1") -> Completion:
    return await model.complete(system="You write.", user=USER, schema=SCHEMA, call_id=call_id)


async def test_an_answer_follows_the_schema_and_says_which_model_wrote_it() -> None:
    async with endpoint() as (_, model):
        completion = await ask(model)
    content = json.loads(completion.content)
    assert content["language"] == "es"
    assert "Gracias" in content["reply"]
    assert completion.model == "gpt-5.4-mini-2026-03-17"
    assert completion.prompt_tokens > 10
    assert completion.completion_tokens > 5


MEANINGS: list[tuple[str, type[LanguageModelError], str]] = [
    ("error_500", Unavailable, "server_error"),
    ("overloaded_503", Unavailable, "overloaded"),
    ("html_503", Unavailable, "overloaded"),
    ("reset", Unavailable, "connection"),
    ("rate_limit", Unavailable, "rate_limit"),
    ("rate_limit_bare", Unavailable, "rate_limit"),
    ("null_code", Unavailable, "rate_limit"),
    ("retry_after_121", Unavailable, "rate_limit"),
    ("insufficient_quota", Stopped, "quota"),
    ("credit_balance_exhausted", Stopped, "quota"),
    ("invalid_key", Stopped, "key"),
    ("model_not_found", Stopped, "model"),
    ("context_too_long", Unanswerable, "refused"),
    ("refusal", Unanswerable, "refusal"),
    ("truncated", Unanswerable, "truncated"),
    ("content_filter", Unanswerable, "content_filter"),
    ("no_choices", Unanswerable, "no_choices"),
]


@pytest.mark.parametrize(("fault", "kind", "reason"), MEANINGS, ids=[each[0] for each in MEANINGS])
async def test_each_failure_has_its_meaning_and_the_library_repeats_nothing(
    fault: str, kind: type[LanguageModelError], reason: str
) -> None:
    async with endpoint() as (simulator, model):
        simulator.faults.set(fault)
        with pytest.raises(kind) as caught:
            await ask(model)
        assert simulator.state()["calls"] == 1
        simulator.faults.clear()
        assert (await ask(model)).content, "the next call is answered"
    assert caught.value.reason == reason


async def test_what_the_far_side_asks_for_is_told_and_two_minutes_are_too_long() -> None:
    async with endpoint() as (simulator, model):
        found = {}
        for fault in ("rate_limit", "rate_limit_bare", "retry_after_121"):
            simulator.faults.set(fault, count=1)
            with pytest.raises(Unavailable) as caught:
                await ask(model)
            found[fault] = (caught.value.retry_in, caught.value.repeat)
    assert found == {
        "rate_limit": (0.3, True),
        "rate_limit_bare": (None, True),
        "retry_after_121": (121.0, False),
    }


async def test_silence_ends_with_the_time_limit() -> None:
    async with endpoint(timeout=0.2) as (simulator, model):
        simulator.faults.set("silence")
        with pytest.raises(Unavailable) as caught:
            await ask(model)
    assert caught.value.reason == "time_out"


async def test_a_wrong_key_and_a_wrong_name_say_which_setting_to_look_at() -> None:
    async with endpoint(key="sk-other") as (_, model):
        with pytest.raises(Stopped, match="PARLEY_LANGUAGE_MODEL_KEY"):
            await ask(model)
    async with endpoint(name="gpt-0") as (_, model):
        with pytest.raises(Stopped, match="PARLEY_LANGUAGE_MODEL_NAME"):
            await ask(model)


async def test_nobody_listening_is_unavailable() -> None:
    async with open_model(
        url="http://127.0.0.1:9/v1",
        key=None,
        name="m",
        temperature=None,
        max_tokens=9,
        timeout=5,
        concurrency=1,
    ) as model:
        with pytest.raises(Unavailable) as caught:
            await ask(model)
    assert caught.value.reason == "connection"


async def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    async with endpoint() as (_, model):
        assert (await ask(model)).content


async def test_every_call_is_in_the_journal_before_its_answer_and_a_repeated_one_is_marked(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal.jsonl"
    async with endpoint(journal=journal) as (simulator, model):
        await ask(model, "one.1")
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        await ask(model, "one.1")
        await ask(model, "two.1")
        assert simulator.state()["repeated"] == 1
    assert [(line["effect"], line["call"]) for line in lines] == [("begun", "one.1"), ("answered", "one.1")]
    assert all(line["platform"] == "openai" and line["kind"] == "call" for line in lines)


async def test_hundreds_of_calls_that_begin_together_are_all_answered_and_keep_their_connections() -> None:
    simulator = Simulator(SimulatorConfig(median=0.2, p99=0.3, seed=1))
    async with (
        simulator.serving() as url,
        open_model(
            url=url,
            key="sk-simulated",
            name="gpt-5.4-mini",
            temperature=0.7,
            max_tokens=150,
            timeout=60,
            concurrency=256,
        ) as model,
    ):
        for run in range(2):
            answers = await asyncio.gather(*(ask(model, f"{run}.{number}") for number in range(300)))
            assert len(answers) == 300
