"""The simulated logins: consent, code, tokens, renewal, whose token it is, and who is subscribed.

Sources: "Business Login for Instagram" and "Refresh a Long-Lived Token" (Instagram Login); "Manually Build a
Login Flow", "Long-Lived Access Tokens", "Debug Token", "Page/subscribed_apps" (Facebook Login). Whoever opens
the page of consent has consented.
"""

import base64
import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from connectors.instagram.simulator.door import Door, expired
from connectors.meta.simulator.answers import answer, error
from connectors.meta.simulator.calls import params_of, token_of

if TYPE_CHECKING:
    from connectors.instagram.simulator.server import Simulator

LONG_LIVED: Final = 5_183_944
"""Seconds, as in the documentation's sample."""

_DAY: Final = 86_400
_PAGE_SCOPES: Final = ("instagram_basic", "pages_show_list", "instagram_manage_comments")


class LoginApi:
    """Handlers beside those of `GraphApi`."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        self._config = simulator.config
        self._faults = simulator.faults
        self._journal = simulator.journal
        self._door = door
        self._codes: dict[str, tuple[str, str]] = {}
        self.subscribed = True

    async def consent(self, request: Request) -> Response:
        """GET `/oauth/authorize` or `/{version}/dialog/oauth`: back to the app with a code, for one use."""
        query = request.query_params
        if query.get("client_id") != self._config.app_id:
            return error(101, "Error validating application. Invalid application ID.")
        code = secrets.token_urlsafe(12)
        self._codes[code] = (query.get("redirect_uri", ""), query.get("code_challenge", ""))
        back = urlencode({"code": code, "state": query.get("state", "")})
        end = "#_" if self._config.login == "instagram" else ""
        return self._noted("consent", RedirectResponse(f"{query.get('redirect_uri')}?{back}{end}", 302))

    async def code(self, request: Request) -> Response:
        """POST `/oauth/access_token` (Instagram Login): a token for an hour."""
        params = await params_of(request)
        if not self._is_app(params) or not self._redeemed(params):
            body = {
                "error_type": "OAuthException",
                "code": 400,
                "error_message": "Matching code was not found or was already used",
            }
            return self._noted("token", JSONResponse(body, 400))
        token = self._door.issue(secrets.token_urlsafe(12))
        scopes = "instagram_business_basic,instagram_business_manage_comments"
        data = [{"access_token": token, "user_id": "34000000000000001", "permissions": scopes}]
        return self._noted("token", answer({"data": data}))

    async def long_lived(self, request: Request) -> Response:
        """GET `/access_token` (Instagram Login): 60 days for an hour's token."""
        params = dict(request.query_params)
        if params.get("client_secret") != self._config.app_secret:
            return self._noted("token", error(1, "Error validating client secret."))
        if params.get("access_token") not in self._door.issued or self._faults.strikes("expired_token"):
            return self._noted("token", expired())
        return self._noted("token", self._granted(self._door.issue(secrets.token_urlsafe(12))))

    async def renewed(self, request: Request) -> Response:
        """GET `/refresh_access_token` (Instagram Login): 60 days more for a token a day old and alive."""
        token = request.query_params.get("access_token", "")
        if token not in self._door.issued or self._faults.strikes("expired_token"):
            return self._noted("token", expired())
        if time.time() - self._door.issued[token] < _DAY:
            return self._noted("token", error(100, "(#100) The token is not 24 hours old"))
        return self._noted("token", self._granted(self._door.issue(secrets.token_urlsafe(12))))

    async def user_token(self, request: Request) -> Response:
        """GET `/{version}/oauth/access_token` (Facebook Login): a person's token for a code or a token."""
        params = await params_of(request)
        if not self._is_app(params):
            return self._noted("token", error(1, "Error validating client secret."))
        exchanged = params.get("fb_exchange_token")
        if exchanged is not None:
            wrong = exchanged != self._config.user_token or self._faults.strikes("expired_token")
            return self._noted("token", expired() if wrong else self._granted(self._config.user_token))
        if not self._redeemed(params):
            text = "This authorization code has expired or has been used, or the verifier is wrong."
            return self._noted("token", error(100, text, subcode=36009))
        return self._noted("token", self._granted(self._config.user_token, 5000))

    async def me(self, request: Request) -> Response:
        """GET `/{version}/me`: whose token it is; `user_id` is the account's public id."""
        params = await params_of(request)
        refused = self._door.refusal(request, params, is_read=True)
        whose = {
            "id": "34000000000000001",
            "user_id": self._config.account_id,
            "username": self._config.username,
            "name": "Parley Shop",
        }
        return self._noted("me", refused or answer(whose))

    async def accounts(self, request: Request) -> Response:
        """GET `/{version}/me/accounts` (Facebook Login): the page, its token, the account linked with it."""
        params = await params_of(request)
        refused = self._door.refusal(request, params, is_read=True)
        linked = {"id": self._config.account_id, "username": self._config.username, "name": "Parley Shop"}
        page = {"id": self._config.page_id, "access_token": self._config.token}
        alone = {"id": "104000000000003", "access_token": "page-without-instagram"}
        return self._noted(
            "accounts", refused or answer({"data": [{**page, "instagram_business_account": linked}, alone]})
        )

    async def debug(self, request: Request) -> Response:
        """GET `/{version}/debug_token` with the app's own token."""
        params = await params_of(request)
        if token_of(request, params) != f"{self._config.app_id}|{self._config.app_secret}":
            return self._noted("debug", error(100, "(#100) You must provide an app access token"))
        lacking = self._faults.strikes("missing_scope")
        data: dict[str, Any] = {
            "app_id": self._config.app_id,
            "type": "PAGE",
            "is_valid": params.get("input_token") in self._door.issued
            and not self._faults.strikes("expired_token"),
            "expires_at": 0,
            "data_access_expires_at": int(time.time()) + 90 * _DAY,
            "scopes": list(_PAGE_SCOPES[:-1] if lacking else _PAGE_SCOPES),
        }
        return self._noted("debug", answer({"data": data}))

    async def subscriptions(self, request: Request) -> Response:
        """GET and POST `/{version}/{page or account}/subscribed_apps`."""
        params = await params_of(request)
        refused = self._door.refusal(request, params, is_read=request.method == "GET")
        field = "feed" if self._config.login == "facebook" else "comments"
        if refused is None and request.method == "POST":
            self.subscribed = field in str(params.get("subscribed_fields", ""))
            return self._noted("subscribe", answer({"success": True}))
        app = {"id": self._config.app_id, "name": "Parley", "subscribed_fields": [field]}
        there = self.subscribed and not self._faults.strikes("unsubscribed")
        return self._noted("subscriptions", refused or answer({"data": [app] if there else []}))

    def _is_app(self, params: dict[str, Any]) -> bool:
        app = (params.get("client_id"), params.get("client_secret"))
        return app == (self._config.app_id, self._config.app_secret)

    def _redeemed(self, params: dict[str, Any]) -> bool:
        """True once for a code with its address and the verifier of its challenge.

        Whether Instagram Login checks the verifier is not documented.
        """
        verifier = str(params.get("code_verifier", "")).encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        return self._codes.pop(str(params.get("code")), None) == (params.get("redirect_uri"), challenge)

    def _granted(self, token: str, lasts: int = LONG_LIVED) -> Response:
        return answer({"access_token": token, "token_type": "bearer", "expires_in": lasts})

    def _noted(self, kind: str, found: Response) -> Response:
        self._journal.write(kind, status=found.status_code, effect="none")
        return found
