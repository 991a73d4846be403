"""What the simulated logins of Facebook and Instagram share: consent, codes, and who is subscribed.

Sources: "Manually Build a Login Flow", "Page/subscribed_apps". Whoever opens the page of consent has
consented.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.meta.simulator.answers import answer, error, expired
from connectors.meta.simulator.calls import params_of

if TYPE_CHECKING:
    from connectors.simulation import Simulation

LONG_LIVED: Final = 5_183_944
"""Seconds, as in the documentation's sample."""


class App(Protocol):
    """The app that asks for access: part of a simulator's config."""

    @property
    def app_id(self) -> str:
        """Named by every request."""
        ...

    @property
    def app_secret(self) -> str:
        """Known to the app and the platform alone."""
        ...


class Door(Protocol):
    """Who may call."""

    def refusal(self, request: Request, params: Mapping[str, Any], *, is_read: bool) -> Response | None:
        """Why a call is not even looked at; None if it may go on."""
        ...


class MetaLoginApi:
    """Base of a login's handlers.

    `field`: what webhooks are subscribed to; `end`: what follows the code in the address.
    """

    def __init__(self, simulation: "Simulation", app: App, door: Door, *, field: str, end: str = "") -> None:
        self._app = app
        self._door = door
        self._faults = simulation.faults
        self._journal = simulation.journal
        self._field = field
        self._end = end
        self._codes: dict[str, tuple[str, str]] = {}
        self.subscribed = True

    async def consent(self, request: Request) -> Response:
        """GET the page of consent: back to the app with a code, for one use."""
        query = request.query_params
        if query.get("client_id") != self._app.app_id:
            return self._noted("consent", error(101, "Error validating application. Invalid application ID."))
        code = secrets.token_urlsafe(12)
        self._codes[code] = (query.get("redirect_uri", ""), query.get("code_challenge", ""))
        back = urlencode({"code": code, "state": query.get("state", "")})
        address = f"{query.get('redirect_uri')}?{back}{self._end}"
        return self._noted("consent", RedirectResponse(address, 302))

    async def subscriptions(self, request: Request) -> Response:
        """GET and POST `/{version}/{page or account}/subscribed_apps`."""
        params = await params_of(request)
        refused = self._door.refusal(request, params, is_read=request.method == "GET")
        if refused is not None:
            return self._noted("subscriptions", refused)
        if request.method == "POST":
            self.subscribed = self._field in str(params.get("subscribed_fields", ""))
            return self._noted("subscribe", answer({"success": True}))
        app = {"id": self._app.app_id, "name": "Parley", "subscribed_fields": [self._field]}
        there = self.subscribed and not self._faults.strikes("unsubscribed")
        return self._noted("subscriptions", answer({"data": [app] if there else []}))

    def _is_app(self, params: Mapping[str, Any]) -> bool:
        given = (params.get("client_id"), params.get("client_secret"))
        return given == (self._app.app_id, self._app.app_secret)

    def _redeemed(self, params: Mapping[str, Any]) -> bool:
        """True once for a code with its address and the verifier of its challenge."""
        verifier = str(params.get("code_verifier", "")).encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        return self._codes.pop(str(params.get("code")), None) == (params.get("redirect_uri"), challenge)

    def _users_token(self, params: Mapping[str, Any], user_token: str) -> Response:
        """A person's token for a code, or one that lasts longer for a person's token (Facebook Login)."""
        if not self._is_app(params):
            return error(1, "Error validating client secret.")
        if "fb_exchange_token" in params:
            wrong = params["fb_exchange_token"] != user_token or self._faults.strikes("expired_token")
            return expired() if wrong else granted(user_token)
        if not self._redeemed(params):
            text = "This authorization code has expired or has been used, or the verifier is wrong."
            return error(100, text, subcode=36009)
        return granted(user_token, 5000)

    def _noted(self, kind: str, found: Response) -> Response:
        self._journal.write(kind, status=found.status_code, effect="none")
        return found


def granted(token: str, lasts: int = LONG_LIVED) -> Response:
    """A token, and how long it lasts in seconds."""
    return answer({"access_token": token, "token_type": "bearer", "expires_in": lasts})
