"""POST /v1/chat/completions: looks at the request, waits as long as a model thinks, answers or fails."""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from connectors.journal import Journal
from connectors.language_model.simulator import answers, writing
from connectors.language_model.simulator.config import SimulatorConfig
from connectors.language_model.simulator.faults import REFUSALS, Refusal
from connectors.language_model.simulator.latency import Bucket, Latency, go_duration
from connectors.simulation.broken import Reset, Silence
from connectors.simulation.faults import Faults

_PARAMETERS: Final = frozenset(
    {
        "model",
        "messages",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "response_format",
        "seed",
        "n",
        "stop",
        "store",
        "metadata",
        "reasoning_effort",
        "verbosity",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "top_p",
        "user",
        "stream",
    }
)
_HTML: Final = "<html><head><title>503 Service Unavailable</title></head><body>upstream</body></html>"
_LONG_ENOUGH: Final = 10_000
_BEGUN_MOST: Final = 200_000


class ChatApi:
    """Handler of chat completions; counts what comes."""

    def __init__(self, config: SimulatorConfig, faults: Faults, journal: Journal) -> None:
        self._config = config
        self._faults = faults
        self._journal = journal
        self._chance = random.Random(config.seed)  # noqa: S311 - chance, not secrets
        self.latency = Latency(config.median, config.p99, random.Random(config.seed))  # noqa: S311
        self.requests = Bucket(config.requests_per_minute, time.monotonic)
        self.tokens = Bucket(config.tokens_per_minute, time.monotonic)
        self.counts: dict[str, int] = {"calls": 0, "answered": 0, "repeated": 0}
        self.in_flight = 0
        self._down: dict[str, float] = {}
        self._begun: dict[str, None] = {}

    async def chat(self, request: Request) -> Response:
        """One request; a line before the wait, and one before the answer, if any."""
        began = time.monotonic()
        call = request.headers.get("x-client-request-id", "")
        self.counts["calls"] += 1
        if repeated := bool(call) and call in self._begun:
            self.counts["repeated"] += 1
        self._begun[call] = None
        if len(self._begun) > _BEGUN_MOST:
            del self._begun[next(iter(self._begun))]
        self._journal.write("call", call=call, repeated=repeated, effect="begun")
        self.in_flight += 1
        try:
            response, told = await self._response(request)
        except ClientDisconnect:
            response, told = Response(status_code=499), {"effect": "gone", "status": None}
        finally:
            self.in_flight -= 1
        if response.status_code == 200 and not isinstance(response, Reset | Silence):
            self.counts["answered"] += 1
        response.headers["x-request-id"] = "req_" + f"{self._chance.getrandbits(128):032x}"
        response.headers["openai-processing-ms"] = str(int((time.monotonic() - began) * 1000))
        response.headers["openai-version"] = "2020-10-01"
        self._journal.write("call", call=call, **told)
        return response

    async def _response(self, request: Request) -> tuple[Response, dict[str, Any]]:
        if broken := self._broken():
            return broken
        body = await request.body()
        if given := self._wrong(request, body):
            return self._refusal("", given)
        asked = json.loads(body)
        for name, refusal in REFUSALS.items():
            if self._faults.strikes(name):
                await asyncio.sleep(min(self.latency.draw(), 0.05))
                return self._refusal(name, refusal)
        prompt = sum(answers.tokens(str(each.get("content"))) for each in asked["messages"])
        most = asked.get("max_completion_tokens") or asked.get("max_tokens") or _LONG_ENOUGH
        wait = max(self.requests.take(1), self.tokens.take(prompt + min(most, 4096)))
        if wait:
            text = f"Rate limit reached for {asked['model']}. Please try again in {wait:.2f}s."
            error = {"message": text, "type": "requests", "param": None, "code": "rate_limit_exceeded"}
            after = {"retry-after-ms": str(int(wait * 1000) + 1), "retry-after": str(int(wait) + 1)}
            return self._refusal("", Refusal(429, error, after))
        await asyncio.sleep(self.latency.draw())
        return self._answer(asked, prompt, most)

    def _broken(self) -> tuple[Response, dict[str, Any]] | None:
        """Answers that come whatever was asked, or do not come."""
        now = time.monotonic()
        for name in ("down", "gone_silent"):
            if fault := self._faults.strikes(name):
                until = self._down.setdefault(name, now + fault.seconds)
                if now >= until:
                    self._faults.clear(name)
                    del self._down[name]
                elif name == "down":
                    return HTMLResponse(_HTML, 503), {"effect": "none", "status": 503, "fault": name}
                else:
                    return Silence(until - now), {"effect": "none", "status": None, "fault": name}
        if self._faults.strikes("reset"):
            return Reset(), {"effect": "none", "status": None, "fault": "reset"}
        if self._faults.strikes("silence"):
            return Silence(self._config.hang_seconds), {"effect": "none", "status": None, "fault": "silence"}
        if self._faults.strikes("html_503"):
            return HTMLResponse(_HTML, 503), {"effect": "none", "status": 503, "fault": "html_503"}
        return None

    def _wrong(self, request: Request, body: bytes) -> Refusal | None:
        """Why a request is not even tried."""
        if request.headers.get("authorization") != f"Bearer {self._config.key}":
            return REFUSALS["invalid_key"]
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if (
            not isinstance(asked, dict)
            or not isinstance(asked.get("messages"), list)
            or not asked["messages"]
        ):
            return _invalid("We could not parse the JSON body of your request.", None)
        if unknown := sorted(asked.keys() - _PARAMETERS):
            return _invalid(f"Unknown parameter: '{unknown[0]}'.", unknown[0])
        if asked.get("model") not in (self._config.model, self._config.snapshot):
            return REFUSALS["model_not_found"]
        if asked.get("stream"):
            return _invalid("This simulator does not stream.", "stream")
        return None

    def _refusal(self, fault: str, refusal: Refusal) -> tuple[Response, dict[str, Any]]:
        message = refusal.error["message"].replace("{model}", self._config.model)
        headers = {**self._usage(), **refusal.headers} if refusal.status == 429 else dict(refusal.headers)
        response = JSONResponse({"error": {**refusal.error, "message": message}}, refusal.status, headers)
        return response, {"effect": "none", "status": refusal.status, **({"fault": fault} if fault else {})}

    def _answer(self, asked: Mapping[str, Any], prompt: int, most: int) -> tuple[Response, dict[str, Any]]:
        struck = self._faults.strikes
        form = asked.get("response_format") or {}
        schema = form["json_schema"].get("schema") if form.get("type") == "json_schema" else None
        content: str | None = writing.content(asked["messages"], schema, self._chance)
        reason, refusal, fault = "stop", None, ""
        if struck("refusal"):
            content, refusal, fault = None, "I'm sorry, I can't help with that.", "refusal"
        elif struck("truncated"):
            content, reason, fault = str(content)[: len(str(content)) // 2], "length", "truncated"
        elif struck("content_filter"):
            content, reason, fault = "", "content_filter", "content_filter"
        elif struck("not_json"):
            content, fault = "Sure! Here is a reply: Thank you!", "not_json"
        elif fault := next((name for name in ("echo_prompt", "echo_comment") if struck(name)), ""):
            said = writing.echo(asked["messages"], "system" if fault == "echo_prompt" else "user")
            content = writing.as_asked(schema, said, "en", 0.95) if schema is not None else said
        elif answers.tokens(content or "") > most:
            content, reason = str(content)[: most * 4], "length"
        used = answers.tokens(content or "")
        answer = answers.completion(
            self._config.snapshot,
            self._chance,
            content=content,
            finish_reason=reason,
            refusal=refusal,
            prompt_tokens=prompt,
            completion_tokens=used,
        )
        if struck("no_choices"):
            answer["choices"], fault = [], "no_choices"
        told = {"effect": "answered", "status": 200, "tokens": prompt + used}
        return JSONResponse(answer, headers=self._usage()), told | ({"fault": fault} if fault else {})

    def _usage(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit-requests": str(int(self.requests.a_minute)),
            "x-ratelimit-limit-tokens": str(int(self.tokens.a_minute)),
            "x-ratelimit-remaining-requests": str(int(self.requests.left())),
            "x-ratelimit-remaining-tokens": str(int(self.tokens.left())),
            "x-ratelimit-reset-requests": go_duration(self.requests.full_in()),
            "x-ratelimit-reset-tokens": go_duration(self.tokens.full_in()),
        }


def _invalid(message: str, param: str | None) -> Refusal:
    code = "unknown_parameter" if param else None
    return Refusal(400, {"message": message, "type": "invalid_request_error", "param": param, "code": code})
