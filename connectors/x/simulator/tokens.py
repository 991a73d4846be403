"""Tokens of the simulated account, and the endpoints that give them (OAuth 2 with PKCE).

GET  /i/oauth2/authorize   consents at once and sends the browser back with a code
POST /2/oauth2/token       authorization_code and refresh_token; a refresh token works once

Source: section 4.5 of the platform contracts; the error of a refresh token used twice is not verified.
"""

import base64
import hashlib
import itertools
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.x.simulator.answers import answer
from connectors.x.simulator.config import SimulatorConfig

CODE_SECONDS = 30.0


class Tokens:
    """Who may call. The config's own tokens work until `expire`."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._numbers = itertools.count(1)
        self._until: dict[str, float] = dict.fromkeys(
            (config.user_token, config.stranger_token), float("inf")
        )
        self._refresh = {config.refresh_token}
        self._codes: dict[str, tuple[str, str, float]] = {}
        self._scope = "tweet.read tweet.write users.read offline.access"

    def valid(self, token: str) -> bool:
        """True for a user's token that has not ended."""
        return self._until.get(token, 0.0) > time.time()

    def expire(self) -> None:
        """Ends every access token; refresh tokens stay."""
        self._until.clear()

    async def authorize(self, request: Request) -> Response:
        """GET /i/oauth2/authorize."""
        query = request.query_params
        if query.get("client_id") != self._config.client_id or query.get("code_challenge_method") != "S256":
            return _error("invalid_request", "Value passed for the client was invalid.")
        code = f"code-{next(self._numbers)}"
        self._scope = query.get("scope", self._scope)
        until = time.time() + CODE_SECONDS
        self._codes[code] = (query.get("code_challenge", ""), query.get("redirect_uri", ""), until)
        back = urlencode({"state": query.get("state", ""), "code": code})
        return RedirectResponse(f"{query.get('redirect_uri')}?{back}", 302)

    async def token(self, request: Request) -> Response:
        """POST /2/oauth2/token."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        if not self._is_client(request, form):
            return _error("unauthorized_client", "Missing valid authorization header", status=401)
        if form.get("grant_type") == "refresh_token":
            given = form.get("refresh_token", "")
            if given not in self._refresh:
                return _error("invalid_request", "Value passed for the token was invalid.")
            self._refresh.discard(given)
            return self._grant()
        challenge, address, until = self._codes.pop(form.get("code", ""), ("", "", 0.0))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if shown != challenge or address != form.get("redirect_uri") or until < time.time():
            return _error("invalid_request", "Value passed for the authorization code was invalid.")
        return self._grant()

    def _grant(self) -> Response:
        number = next(self._numbers)
        access, refresh = f"access-{number}", f"refresh-{number}"
        self._until[access] = time.time() + self._config.token_seconds
        content: dict[str, Any] = {
            "token_type": "bearer",
            "expires_in": int(self._config.token_seconds),
            "access_token": access,
            "scope": self._scope,
        }
        if "offline.access" in self._scope:
            self._refresh.add(refresh)
            content["refresh_token"] = refresh
        return answer(content)

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        if self._config.client_secret is None:
            return form.get("client_id") == self._config.client_id
        pair = f"{self._config.client_id}:{self._config.client_secret}"
        expected = "Basic " + base64.b64encode(pair.encode()).decode()
        return request.headers.get("authorization") == expected


def _error(error: str, description: str, *, status: int = 400) -> Response:
    return answer({"error": error, "error_description": description}, status=status)
