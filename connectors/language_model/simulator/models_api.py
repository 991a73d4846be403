"""GET /v1/models: the models that the endpoint answers with."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.language_model.simulator.config import SimulatorConfig
from connectors.language_model.simulator.faults import REFUSALS

_MADE = 1_773_705_600
"""Unix seconds, of the dated snapshot."""


class ModelsApi:
    """Handler of the list of models: the one that the simulator knows, and its snapshot."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config

    async def models(self, request: Request) -> Response:
        """The list; 401 for another key."""
        if request.headers.get("authorization") != f"Bearer {self._config.key}":
            refusal = REFUSALS["invalid_key"]
            return JSONResponse({"error": refusal.error}, refusal.status)
        names = dict.fromkeys((self._config.model, self._config.snapshot))
        models = [{"id": name, "object": "model", "created": _MADE, "owned_by": "system"} for name in names]
        return JSONResponse({"object": "list", "data": models})
