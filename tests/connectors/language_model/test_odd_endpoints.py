"""Endpoints that are none, or broken ones: whatever they answer has a meaning and does no harm."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from connectors.language_model.client import Completion, open_model
from connectors.language_model.errors import LanguageModelError, Unanswerable, Unavailable
from connectors.simulation.serving import serving

JSON = "application/json"


def completion(**changes: Any) -> str:
    message = {"role": "assistant", "content": "{}"}
    answer = {
        "model": "m-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }
    return json.dumps({**answer, **changes})


async def asked(response: Response, timeout: float = 5) -> Completion:
    """What the client makes of an endpoint that answers so."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def answer() -> Response:
        return response

    async with (
        serving(app) as url,
        open_model(
            url=f"{url}/v1",
            key=None,
            name="m",
            temperature=None,
            max_tokens=9,
            timeout=timeout,
            concurrency=4,
        ) as model,
    ):
        return await model.complete(system="s", user="u", schema={}, call_id="1.1")


@pytest.mark.parametrize(
    ("status", "body", "media", "kind", "reason"),
    [
        (200, "<html>Sign in to the Wi-Fi</html>", "text/html", Unavailable, "unreadable"),
        (200, "<html>", JSON, Unavailable, "unreadable"),
        (200, completion()[:40], JSON, Unavailable, "unreadable"),
        (200, "[]", JSON, LanguageModelError, None),
        (200, "null", JSON, LanguageModelError, None),
        (200, '{"choices": 7}', JSON, Unanswerable, "no_choices"),
        (200, '{"choices": [null]}', JSON, LanguageModelError, None),
        (200, '{"choices": [{"message": "hello"}]}', JSON, LanguageModelError, None),
        (
            200,
            '{"choices": [{"finish_reason": "stop", "message": {"content": [1]}}]}',
            JSON,
            Unanswerable,
            None,
        ),
        (500, '{"error": {"code": {"a": 1}, "type": ["b"], "param": {}}}', JSON, Unavailable, "server_error"),
        (400, '{"error": {"code": 7, "param": {"a": []}}}', JSON, Unanswerable, "refused"),
        (500, "[" * 100_000, JSON, Unavailable, "server_error"),
    ],
)
async def test_what_is_no_answer_says_why(
    status: int, body: str, media: str, kind: type[LanguageModelError], reason: str | None
) -> None:
    with pytest.raises(kind) as caught:
        await asked(Response(body, status, media_type=media))
    assert reason in (None, caught.value.reason)


async def test_a_name_that_cannot_be_kept_and_a_count_without_end_are_not_believed() -> None:
    for name in ("m\0", "\ud800", "x" * 1000, 7, None, {"a": 1}):
        made = await asked(Response(completion(model=name), media_type=JSON))
        assert made.model == "m"
    usage = {"prompt_tokens": 10**30, "completion_tokens": -5}
    made = await asked(Response(completion(usage=usage), media_type=JSON))
    assert (made.prompt_tokens, made.completion_tokens) == (10_000_000, 0)


async def test_dates_beyond_all_calendars_ask_for_nothing() -> None:
    late = {"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}
    with pytest.raises(Unavailable) as caught:
        await asked(Response("{}", 429, headers=late, media_type=JSON))
    assert caught.value.retry_in is None


async def test_an_answer_that_drips_is_waited_for_no_longer_than_the_caller_does() -> None:
    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await asked(StreamingResponse(drops(), media_type=JSON), timeout=0.5)
