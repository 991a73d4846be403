"""What the handlers of every simulated API have in common."""

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from connectors.simulation.simulation import Simulation

_HTML: Final = "<html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"


class Api:
    """Base of a platform's handlers: what happens, which faults are on, and the journal."""

    def __init__(self, simulation: "Simulation") -> None:
        self._happenings = simulation.happenings
        self._faults = simulation.faults
        self._journal = simulation.journal

    def _noted(
        self, kind: str, comment_id: str, found: Response, effect: str = "none", **more: Any
    ) -> Response:
        """The answer, once its line is on file; `comment_id` as it was asked for."""
        self._journal.write(kind, comment_id=comment_id, status=found.status_code, effect=effect, **more)
        return found


async def content_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request's body; an empty one for every other body."""
    try:
        parsed = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def html_503() -> Response:
    """A page of HTML, as what stands before an API answers when the API does not."""
    return HTMLResponse(_HTML, 503)
