"""Who may call the simulated API: version, protocol, token, permission, quota.

Source: sections 5.1 to 5.4 of the platform contracts.
"""

import time

from starlette.requests import Request
from starlette.responses import Response

from connectors.linkedin.simulator.answers import error
from connectors.linkedin.simulator.config import SimulatorConfig
from connectors.linkedin.simulator.tokens import Tokens
from connectors.simulation import Faults, Window

_DAY = "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached."


class Door:
    """Looks at every call before anything else does."""

    def __init__(self, config: SimulatorConfig, faults: Faults, tokens: Tokens) -> None:
        self._config = config
        self._faults = faults
        self._tokens = tokens
        self._calls = Window(86_400)
        self._replies = Window(60)

    def refusal(self, request: Request, *, is_read: bool) -> Response | None:
        """Why a call is not even looked at; None if it may go on."""
        headers, strikes = request.headers, self._faults.strikes
        version = headers.get("linkedin-version")
        if version is None:
            return error(400, "A version must be present. Please specify a version", code="VERSION_MISSING")
        if version not in self._config.versions or strikes("version_sunset"):
            message = f"Requested version {version} is not active"
            return error(426, message, code="NONEXISTENT_VERSION")
        if headers.get("x-restli-protocol-version") != "2.0.0":
            return error(400, "Syntax exception in path variables", code="ILLEGAL_ARGUMENT", number=0)
        token = self.token(request)
        if not token:
            return error(401, "Empty oauth2_access_token", number=401)
        if strikes("token_dies"):
            self._tokens.kill(token)
        if not self._tokens.lives(token) or strikes("expired_token"):
            message = "The token used in the request has expired"
            return error(401, message, code="EXPIRED_ACCESS_TOKEN", number=65602)
        if strikes("missing_permission"):
            message = "Not enough permissions to access: partnerApiSocialActions.GET.20260901"
            return error(403, message, code="ACCESS_DENIED", number=100)
        if strikes("blocked"):
            return error(403, "This member is restricted", code="MEMBER_RESTRICTED")
        now = time.monotonic()
        self._calls.add(now)
        allowed = self._config.calls_per_day * self._config.scale
        if self._calls.total(now) > allowed or strikes("throttle"):
            return error(429, _DAY, code="TOO_MANY_REQUESTS", number=101)
        if strikes("throttle_bare"):
            return error(429, "Request throttled")
        if is_read and strikes("read_error"):
            return error(500, "Internal Server Error")
        if not is_read and (self.is_analyst(request) or self.is_stranger(request)):
            message = "Organization permissions must be used when using organization as actor"
            return error(403, message, code="ACCESS_DENIED")
        return None

    def may_reply(self) -> Response | None:
        """Counts a reply about to be made; the minute's throttle if it is one too many."""
        now = time.monotonic()
        self._replies.add(now)
        allowed = self._config.replies_per_minute * self._config.scale
        if self._replies.total(now) > allowed or self._faults.strikes("comment_throttled"):
            message = "Comment create throttled: creation rate limit exceeded for member"
            return error(429, message, code="TOO_MANY_REQUESTS")
        return None

    def token(self, request: Request) -> str:
        """The access token of a call."""
        return request.headers.get("authorization", "").removeprefix("Bearer ")

    def is_analyst(self, request: Request) -> bool:
        """True for the member whose role may not read comments."""
        return self.token(request) == self._config.analyst_token

    def is_stranger(self, request: Request) -> bool:
        """True for a member without any role on the organisation."""
        return self.token(request) == self._config.stranger_token
