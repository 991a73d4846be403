"""Who may call the simulated Graph API: version, token, proof, permission, limit.

Source: sections 2.1, 2.4 and 2.5 of the platform contracts.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.limits import Limits
from connectors.meta.signing import appsecret_proof
from connectors.meta.simulator.answers import error, expired
from connectors.meta.simulator.calls import token_of
from connectors.simulation import Faults

_VERSION: Final = re.compile(r"v\d{1,3}\.\d")
_NO_PROOF: Final = "API calls from the server require an appsecret_proof argument"
_WRONG_PROOF: Final = "Invalid appsecret_proof provided in the API argument"


class Door:
    """Looks at every call before anything else does."""

    def __init__(self, config: SimulatorConfig, faults: Faults, limits: Limits) -> None:
        self._config = config
        self._faults = faults
        self._limits = limits
        tokens = (config.page_token, config.user_token)
        self._proofs = {token: appsecret_proof(config.app_secret, token) for token in tokens}

    def refusal(self, request: Request, params: Mapping[str, Any], *, is_read: bool) -> Response | None:
        """Why a call is not even looked at; None if it may go on."""
        if not _VERSION.fullmatch(request.path_params["version"]):
            return error(2500, "Unknown path components", status=404)
        token = token_of(request, params)
        strikes = self._faults.strikes
        if token not in self._proofs:
            return error(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if self._config.require_proof and params.get("appsecret_proof") != self._proofs[token]:
            missing_proof = "appsecret_proof" not in params
            text = _NO_PROOF if missing_proof else _WRONG_PROOF
            return error(100, text, kind="GraphMethodException")
        if strikes("expired_token"):
            return expired()
        if strikes("missing_permission"):
            return error(
                10, "(#10) This endpoint requires the 'pages_manage_engagement' permission", status=403
            )
        within = self._limits.call()
        if not within or strikes("throttle"):
            text = "(#80001) There have been too many calls to this Page account. Wait a bit and try again."
            return error(80001, text, headers=self._limits.headers(throttled=True))
        if strikes("throttle_bare"):
            return error(4, "(#4) Application request limit reached", subcode=1504022, transient=True)
        if is_read and strikes("read_error"):
            return error(1, "An unknown error occurred", status=500)
        if not is_read and token == self._config.user_token:
            return error(1705, "There was an error posting to this wall")
        return None
