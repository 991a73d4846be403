"""The simulated Facebook Login: tokens, and whose token it is.

Source: "Manually Build a Login Flow", "Long-Lived Access Tokens", "Debug Token".
"""

import time
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.facebook.simulator.door import Door
from connectors.meta.simulator.answers import answer, error
from connectors.meta.simulator.calls import params_of, token_of
from connectors.meta.simulator.login_api import LONG_LIVED, MetaLoginApi

if TYPE_CHECKING:
    from connectors.facebook.simulator.server import Simulator

SCOPES: Final = (
    "pages_show_list",
    "pages_manage_metadata",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_engagement",
)


class LoginApi(MetaLoginApi):
    """Handlers beside those of `GraphApi`."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator, simulator.config, door, field="feed")
        self._config = simulator.config

    async def token(self, request: Request) -> Response:
        """GET `/{version}/oauth/access_token`: a code, or a person's token, for a person's token."""
        params = await params_of(request)
        return self._noted("token", self._users_token(params, self._config.user_token))

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

    def _page(self) -> dict[str, str]:
        return {"id": self._config.page_id, "name": self._config.page_name}
