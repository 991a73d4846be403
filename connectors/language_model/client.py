"""One call to an OpenAI-compatible endpoint: a system and a user message in, JSON of a schema out.

A call is made once; whether it is made again is the caller's decision, by the type of the error. The library
brings HTTP and typed errors; its own retries are off (`connectors.language_model.failures` says why).
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import openai

from connectors.language_model.errors import Unanswerable, Unavailable
from connectors.language_model.failures import meaning

OFFICIAL: Final = "https://api.openai.com/v1"
"""Base URL where none is set."""

NO_KEY: Final = "none"
"""What is sent as the key where none is set: endpoints of one's own often need none."""


_LONGEST_NAME: Final = 200
_MOST_TOKENS: Final = 10_000_000
"""More than any model takes; a count is kept, and added up, whatever an endpoint claims."""


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer. `model` is the one that answered, as the endpoint names it."""

    content: str
    model: str
    prompt_tokens: int
    completion_tokens: int


class LanguageModel:
    """One model at one endpoint; belongs to one event loop. Make it with `open_model`."""

    def __init__(
        self, client: openai.AsyncOpenAI, name: str, *, temperature: float | None, max_tokens: int
    ) -> None:
        self._client = client
        self.name = name
        self._options: dict[str, Any] = {"max_completion_tokens": max_tokens}
        if temperature is not None:
            self._options["temperature"] = temperature

    async def complete(
        self, *, system: str, user: str, schema: Mapping[str, Any], call_id: str
    ) -> Completion:
        """The content that the model answers with; raises LanguageModelError.

        `schema` is a strict JSON schema (every property required). `call_id` names the call to the endpoint
        (X-Client-Request-Id), so that a call made twice can be recognised there.
        """
        try:
            # Not `chat.completions.create`, nor its types: the library would walk the body by them, at some
            # CPU, and check nothing on the way.
            answer = await self._client.post(
                "/chat/completions",
                cast_to=object,
                body={
                    "model": self.name,
                    "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {"name": "reply", "strict": True, "schema": schema},
                    },
                    **self._options,
                },
                # The key is sent nowhere; without it the library makes one for each call.
                options={"headers": {"X-Client-Request-Id": call_id}, "idempotency_key": call_id},
            )
        except openai.APIError as error:
            raise meaning(error) from error
        except (httpx2.HTTPError, ValueError) as error:
            # A 200 whose body is not JSON, or breaks off: nothing says that the next one will be.
            raise Unavailable("unreadable", f"the answer cannot be read: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            # Words instead of JSON under a 200 are some page of a proxy: the model did not answer.
            raise Unavailable("unreadable", f"the answer is no JSON but {type(answer).__name__}")
        return _read(answer, self.name)


def _read(answer: dict[str, Any], name: str) -> Completion:
    """The first choice; nothing is what it should be before it was looked at."""
    usage = answer.get("usage")
    tokens = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unanswerable("no_choices", "the answer has no choices", tokens=tokens)
    choice = choices[0]
    message = _part(choice, "message")
    if _part(message, "refusal"):
        raise Unanswerable("refusal", "the model refused to write", tokens=tokens)
    finish = _part(choice, "finish_reason")
    if finish == "length":
        raise Unanswerable("truncated", "the answer was longer than the tokens allowed", tokens=tokens)
    if finish == "content_filter":
        raise Unanswerable("content_filter", "the endpoint's filter cut the answer", tokens=tokens)
    content = _part(message, "content")
    if not isinstance(content, str) or not content:
        raise Unanswerable("empty", "the answer has no content", tokens=tokens)
    return Completion(content, _model(answer, name), *tokens)


def _model(answer: dict[str, Any], name: str) -> str:
    """The model as the endpoint names it, if that can be kept: it stands with drafts and with the usage."""
    told = answer.get("model")
    return told if isinstance(told, str) and told.isprintable() and 0 < len(told) <= _LONGEST_NAME else name


def _part(whole: object, name: str) -> Any:
    return whole.get(name) if isinstance(whole, dict) else None


def _count(usage: object, name: str) -> int:
    number = _part(usage, name)
    return min(number, _MOST_TOKENS) if isinstance(number, int) and number > 0 else 0


@contextlib.asynccontextmanager
async def open_model(
    *,
    url: str | None,
    key: str | None,
    name: str,
    temperature: float | None,
    max_tokens: int,
    timeout: float,
    concurrency: int,
) -> AsyncIterator[LanguageModel]:
    """A model whose connections close with the block. `timeout` in seconds, of one call."""
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    # Not the library's other transport: whenever a call begins or ends it asks the system about every idle
    # connection, which stops the event loop for seconds where hundreds of calls begin together.
    http = openai.DefaultAioHttpClient(limits=limits, timeout=httpx2.Timeout(timeout, connect=5.0))
    async with openai.AsyncOpenAI(
        api_key=key or NO_KEY, base_url=url or OFFICIAL, max_retries=0, timeout=timeout, http_client=http
    ) as client:
        # The library takes these from the environment; Parley reads it in one place only.
        client.organization = client.project = client.admin_api_key = None
        yield LanguageModel(client, name, temperature=temperature, max_tokens=max_tokens)
