"""The simulated Facebook Login: consent, code, tokens, whose token it is, and who is subscribed.

Source: "Manually Build a Login Flow", "Long-Lived Access Tokens", "Debug Token", "Page/subscribed_apps".
"""

import base64
import hashlib
import secrets
import time
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.door import Door
from connectors.journal import Journal
from connectors.meta.simulator.answers import answer, error
from connectors.meta.simulator.calls import params_of, token_of
from connectors.simulation import Faults

LONG_LIVED: Final = 5_183_944
"""Seconds, as in the documentation's sample."""

SCOPES: Final = (
    "pages_show_list",
    "pages_manage_metadata",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_engagement",
)


class LoginApi:
    """Handlers beside those of `GraphApi`; whoever opens the page of consent has consented."""

    def __init__(self, config: SimulatorConfig, door: Door, faults: Faults, journal: Journal) -> None:
        self._config = config
        self._door = door
        self._faults = faults
        self._journal = journal
        self._codes: dict[str, tuple[str, str]] = {}
        self.subscribed = True

    async def consent(self, request: Request) -> Response:
        """GET `/{version}/dialog/oauth`: back to the app with a code, for one use."""
        query = request.query_params
        if query.get("client_id") != self._config.app_id:
            return error(101, "Error validating application. Invalid application ID.")
        code = secrets.token_urlsafe(12)
        self._codes[code] = (query.get("redirect_uri", ""), query.get("code_challenge", ""))
        back = urlencode({"code": code, "state": query.get("state", "")})
        return self._noted("consent", RedirectResponse(f"{query.get('redirect_uri')}?{back}", 302))

    async def token(self, request: Request) -> Response:
        """GET `/{version}/oauth/access_token`: a code, or a person's token, for a person's token."""
        params = await params_of(request)
        config = self._config
        if params.get("client_id") != config.app_id or params.get("client_secret") != config.app_secret:
            return self._noted("token", error(1, "Error validating client secret."))
        if "fb_exchange_token" in params:
            if params["fb_exchange_token"] != config.user_token or self._faults.strikes("expired_token"):
                return self._noted("token", error(190, "Error validating access token", subcode=463))
            return self._noted("token", self._granted(LONG_LIVED))
        verifier = str(params.get("code_verifier", "")).encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        if self._codes.pop(str(params.get("code")), None) != (params.get("redirect_uri"), challenge):
            text = "This authorization code has expired or has been used, or the verifier is wrong."
            return self._noted("token", error(100, text, subcode=36009))
        return self._noted("token", self._granted(5000))

    async def accounts(self, request: Request) -> Response:
        """GET `/{version}/me/accounts`: the page, with its token."""
        params = await params_of(request)
        refused = self._door.refusal(request, params, is_read=True)
        if refused is None and token_of(request, params) != self._config.user_token:
            refused = error(100, "(#100) Tried accessing nonexisting field (accounts) on node type (Page)")
        page = {
            "access_token": self._config.page_token,
            "name": self._config.page_name,
            "id": self._config.page_id,
            "tasks": ["MODERATE", "CREATE_CONTENT"],
        }
        return self._noted("accounts", refused or answer({"data": [page]}))

    async def me(self, request: Request) -> Response:
        """GET `/{version}/me`: whose token it is."""
        params = await params_of(request)
        refused = self._door.refusal(request, params, is_read=True)
        person = token_of(request, params) == self._config.user_token
        whose = {"id": "9000000000000001", "name": "Page Owner"} if person else self._page()
        return self._noted("me", refused or answer(whose))

    async def debug(self, request: Request) -> Response:
        """GET `/{version}/debug_token` with the app's own token."""
        params = await params_of(request)
        if token_of(request, params) != f"{self._config.app_id}|{self._config.app_secret}":
            return self._noted("debug", error(100, "(#100) You must provide an app access token"))
        inspected = params.get("input_token")
        known = inspected in (self._config.page_token, self._config.user_token)
        scopes = list(SCOPES[:-1] if self._faults.strikes("missing_scope") else SCOPES)
        data: dict[str, Any] = {
            "app_id": self._config.app_id,
            "type": "USER" if inspected == self._config.user_token else "PAGE",
            "is_valid": known and not self._faults.strikes("expired_token"),
            "expires_at": 0 if inspected == self._config.page_token else int(time.time()) + LONG_LIVED,
            "scopes": scopes,
        }
        return self._noted("debug", answer({"data": data}))

    async def subscriptions(self, request: Request) -> Response:
        """GET and POST `/{version}/{page}/subscribed_apps`."""
        params = await params_of(request)
        refused = self._door.refusal(request, params, is_read=request.method == "GET")
        if refused is not None:
            return self._noted("subscriptions", refused)
        if request.method == "POST":
            self.subscribed = "feed" in str(params.get("subscribed_fields", ""))
            return self._noted("subscribe", answer({"success": True}))
        app = {"id": self._config.app_id, "name": "Parley", "subscribed_fields": ["feed"]}
        there = self.subscribed and not self._faults.strikes("unsubscribed")
        return self._noted("subscriptions", answer({"data": [app] if there else []}))

    def _page(self) -> dict[str, str]:
        return {"id": self._config.page_id, "name": self._config.page_name}

    def _granted(self, lasts: int) -> Response:
        return answer({"access_token": self._config.user_token, "token_type": "bearer", "expires_in": lasts})

    def _noted(self, kind: str, found: Response) -> Response:
        self._journal.write(kind, status=found.status_code, effect="none")
        return found
