"""OAuth of the simulated LinkedIn: consent, tokens, refreshing, introspection. Times are unix seconds.

Source: "Authorization Code Flow", "Refresh Tokens" and "Token Introspection" of LinkedIn's documentation.
That a confidential app which sends a code verifier is refused, others measured.
"""

import secrets
import time
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.linkedin.simulator.answers import answer
from connectors.linkedin.simulator.config import SimulatorConfig
from connectors.simulation import Faults

SCOPE = "r_organization_social_feed,rw_organization_admin,w_organization_social_feed"


class Tokens:
    """Which tokens live, and the handlers of `/oauth/v2/...`."""

    def __init__(self, config: SimulatorConfig, faults: Faults) -> None:
        self._config = config
        self._faults = faults
        self._life = config.token_days * 86_400
        until = time.time() + self._life
        self._alive = {config.member_token: until, config.analyst_token: until, config.stranger_token: until}
        self._codes: dict[str, str] = {}

    def lives(self, token: str) -> bool:
        """True if calls with it are answered."""
        return self._alive.get(token, 0) > time.time()

    def kill(self, token: str) -> None:
        """It is dead from now on."""
        self._alive[token] = 0

    async def authorization(self, request: Request) -> Response:
        """GET: the member consents at once."""
        query = request.query_params
        if query.get("client_id") != self._config.client_id or query.get("response_type") != "code":
            return answer({"error": "invalid_request"}, status=400)
        code = secrets.token_urlsafe(16)
        self._codes[code] = query.get("redirect_uri", "")
        back = urlencode({"code": code, "state": query.get("state", "")})
        return RedirectResponse(f"{query.get('redirect_uri', '')}?{back}", 302)

    async def access_token(self, request: Request) -> Response:
        """POST: a code or a refresh token becomes an access token."""
        form = dict(parse_qsl((await request.body()).decode()))
        if not self._is_app(form) or "code_verifier" in form:
            return _refused(401, "invalid_client", "Client authentication failed")
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") != self._config.refresh_token or self._faults.strikes(
                "refresh_refused"
            ):
                return _refused(400, "invalid_request", "The provided authorization grant has been revoked")
        elif self._codes.pop(form.get("code", ""), None) != form.get("redirect_uri"):
            return _refused(400, "invalid_redirect_uri", "Unable to retrieve access token: expired code")
        fresh = f"token-{secrets.token_hex(8)}"
        self._alive[fresh] = time.time() + self._life
        content = {
            "access_token": fresh,
            "expires_in": int(self._life),
            "refresh_token": self._config.refresh_token,
            "refresh_token_expires_in": 31_536_000,
            "scope": SCOPE,
        }
        return answer(content)

    async def introspection(self, request: Request) -> Response:
        """POST: what is known of a token."""
        form = dict(parse_qsl((await request.body()).decode()))
        if not self._is_app(form):
            return _refused(401, "invalid_client", "Client authentication failed")
        token = form.get("token", "")
        if not self.lives(token):
            return answer({"active": False, "status": "expired"})
        scope = SCOPE.partition(",")[0] if self._faults.strikes("missing_scope") else SCOPE
        content = {
            "active": True,
            "status": "active",
            "client_id": self._config.client_id,
            "expires_at": int(self._alive[token]),
            "scope": scope,
            "auth_type": "3L",
        }
        return answer(content)

    def _is_app(self, form: dict[str, str]) -> bool:
        given = (form.get("client_id"), form.get("client_secret"))
        return given == (self._config.client_id, self._config.client_secret)


def _refused(status: int, name: str, message: str) -> Response:
    return answer({"error": name, "error_description": message}, status=status)
