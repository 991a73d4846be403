"""The simulated OpenAI: chat completions, and requests by which a person or a test makes things happen.

POST   /v1/chat/completions   as the vendor's; `X-Client-Request-Id` names the call in the journal
GET    /v1/models             as the vendor's: the model it knows, and its snapshot
GET    /sim/faults            the catalogue, what is on, how often each struck
POST   /sim/faults            {"name", "count", "probability", "seconds"}; all but name optional
DELETE /sim/faults[/{name}]   switches all, or one, off
POST   /sim/latency           {"median", "p99"} in seconds
GET    /sim/state             calls, answers, repeated calls, calls in flight
"""

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.journal import Journal
from connectors.language_model.simulator.chat_api import ChatApi
from connectors.language_model.simulator.config import SimulatorConfig
from connectors.language_model.simulator.faults import CATALOGUE
from connectors.language_model.simulator.models_api import ModelsApi
from connectors.simulation.faults import Faults
from connectors.simulation.serving import serving


class Simulator:
    """A simulated endpoint; nothing runs before `serving`, which gives the base URL (with /v1)."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.faults = Faults(CATALOGUE, config.seed)
        self.journal = Journal(config.journal, "openai")
        self.chat = ChatApi(config, self.faults, self.journal)
        self.app = FastAPI(title="Simulated OpenAI", openapi_url=None)
        self.app.add_route("/v1/chat/completions", self.chat.chat, ["POST"])
        self.app.add_route("/v1/models", ModelsApi(config).models, ["GET"])
        self.app.add_route("/sim/faults", self._faults, ["GET", "POST", "DELETE"])
        self.app.add_route("/sim/faults/{name}", self._faults, ["DELETE"])
        self.app.add_route("/sim/latency", self._latency, ["POST"])
        self.app.add_route("/sim/state", self._state, ["GET"])

    def state(self) -> dict[str, Any]:
        """What came so far."""
        return {**self.chat.counts, "in_flight": self.chat.in_flight, "struck": self.faults.struck}

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serves until the block ends; gives the base URL that a client is told. `port` 0: a free one."""
        async with serving(self.app, host, port) as url:
            yield f"{url}/v1"
        self.journal.close()

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear(request.path_params.get("name"))
        elif request.method == "POST":
            given = await _content(request)
            options = {key: given[key] for key in ("count", "probability", "seconds") if key in given}
            try:
                self.faults.set(str(given.get("name")), **options)
            except KeyError as error:
                return _wrong(f"no fault {error}; there are: {', '.join(CATALOGUE)}")
        on = {name: dataclasses.asdict(fault) for name, fault in self.faults.on.items()}
        return JSONResponse({"on": on, "struck": self.faults.struck, "catalogue": CATALOGUE})

    async def _latency(self, request: Request) -> Response:
        given = await _content(request)
        try:
            self.chat.latency.set(float(given["median"]), float(given["p99"]))
        except (KeyError, TypeError, ValueError) as error:
            return _wrong(f"latency: {error}")
        return JSONResponse({})

    async def _state(self, _request: Request) -> Response:
        return JSONResponse(self.state())


def _wrong(message: str) -> Response:
    return JSONResponse({"error": message}, 400)


async def _content(request: Request) -> dict[str, Any]:
    try:
        parsed = json.loads(await request.body())
    except ValueError:
        parsed = {}
    return parsed if isinstance(parsed, dict) else {}
