"""Who may call the simulated X API: token, limit, and the account's faults.

Source: sections 4.3 and 4.4 of the platform contracts.
"""

from starlette.requests import Request
from starlette.responses import Response

from connectors.simulation import Faults
from connectors.x.simulator.answers import answer, forbidden, problem
from connectors.x.simulator.config import SimulatorConfig
from connectors.x.simulator.limits import Limits
from connectors.x.simulator.tokens import Tokens

_APP_ONLY = (
    "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported "
    "authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context]."
)


class Door:
    """Looks at every call before anything else does."""

    def __init__(self, config: SimulatorConfig, tokens: Tokens, faults: Faults, limits: Limits) -> None:
        self._config = config
        self._tokens = tokens
        self._faults = faults
        self._limits = limits

    def refusal(self, request: Request, endpoint: str) -> Response | None:
        """Why a call is not even looked at; None if it may go on."""
        strikes = self._faults.strikes
        token = token_of(request)
        if token == self._config.app_token or strikes("app_only_token"):
            kind = "unsupported-authentication"
            return problem(403, "Unsupported Authentication", _APP_ONLY, kind=kind)
        if not self._tokens.valid(token) or strikes("expired_token"):
            return problem(401, "Unauthorized", "Unauthorized")
        if strikes("missing_permission"):
            detail = "When authenticating requests you must use keys and tokens from an App with access."
            return problem(
                403, "Client Forbidden", detail, kind="client-forbidden", reason="client-not-enrolled"
            )
        if strikes("blocked"):
            return forbidden("Your account is suspended and is not permitted to access this feature.")
        if strikes("no_credits"):
            detail = "Your enrolled account does not have any credits to fulfill this request."
            return problem(402, "CreditsDepleted", detail, kind="credits")
        return self._throttled(endpoint)

    def _throttled(self, endpoint: str) -> Response | None:
        strikes = self._faults.strikes
        within = self._limits.call(endpoint)
        too_many = "Too Many Requests"
        if strikes("usage_capped"):
            detail = "Usage cap exceeded: Monthly product cap"
            title, kind = "UsageCapExceeded", "usage-capped"
            return problem(429, title, detail, kind=kind, period="Monthly", scope="Product")
        if strikes("throttle_code"):
            content = {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
            return answer(content, status=429, headers=self._limits.headers(endpoint, used_up=True))
        if strikes("throttle_bare"):
            return problem(429, too_many, too_many)
        if not within or strikes("throttle"):
            return problem(429, too_many, too_many, headers=self._limits.headers(endpoint, used_up=True))
        return None


def token_of(request: Request) -> str:
    """The bearer token."""
    given = request.headers.get("authorization", "")
    return given[7:] if given.lower().startswith("bearer ") else ""
