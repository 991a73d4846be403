"""The simulated logins: tokens, renewal, and whose token it is.

Sources: "Business Login for Instagram" and "Refresh a Long-Lived Token" (Instagram Login); "Long-Lived Access
Tokens" and "Debug Token" (Facebook Login). Whether Instagram Login checks the verifier is not documented.
"""

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.instagram.simulator.door import Door
from connectors.meta.simulator.answers import answer, error, expired
from connectors.meta.simulator.calls import params_of, token_of
from connectors.meta.simulator.login_api import MetaLoginApi, granted

if TYPE_CHECKING:
    from connectors.instagram.simulator.server import Simulator

_DAY: Final = 86_400
_PAGE_SCOPES: Final = ("instagram_basic", "pages_show_list", "instagram_manage_comments")


class LoginApi(MetaLoginApi):
    """Handlers beside those of `GraphApi`."""

    _door: Door

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        by_page = simulator.config.login == "facebook"
        super().__init__(
            simulator,
            simulator.config,
            door,
            field="feed" if by_page else "comments",
            end="" if by_page else "#_",
        )
        self._config = simulator.config

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
        return self._noted("token", granted(self._door.issue(secrets.token_urlsafe(12))))

    async def renewed(self, request: Request) -> Response:
        """GET `/refresh_access_token` (Instagram Login): 60 days more for a token a day old and alive."""
        token = request.query_params.get("access_token", "")
        if token not in self._door.issued or self._faults.strikes("expired_token"):
            return self._noted("token", expired())
        if time.time() - self._door.issued[token] < _DAY:
            return self._noted("token", error(100, "(#100) The token is not 24 hours old"))
        return self._noted("token", granted(self._door.issue(secrets.token_urlsafe(12))))

    async def user_token(self, request: Request) -> Response:
        """GET `/{version}/oauth/access_token` (Facebook Login): a person's token for a code or a token."""
        params = await params_of(request)
        return self._noted("token", self._users_token(params, self._config.user_token))

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
