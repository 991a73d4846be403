"""Who may call the simulated API: version, token, proof, permission, limit.

Source: sections 2.1, 2.4 and 3 of the platform contracts.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.instagram.simulator.config import SimulatorConfig
from connectors.instagram.simulator.limits import Limits
from connectors.meta.signing import appsecret_proof
from connectors.meta.simulator.answers import error, expired, missing
from connectors.meta.simulator.calls import token_of
from connectors.simulation import Faults

_VERSION: Final = re.compile(r"v\d{1,3}\.\d")


class Door:
    """Looks at every call before anything else does. `issued`: when each token was, in unix seconds."""

    def __init__(self, config: SimulatorConfig, faults: Faults, limits: Limits) -> None:
        self._config = config
        self._faults = faults
        self._limits = limits
        self.issued = {config.token: 0.0, config.user_token: 0.0, config.other_token: 0.0}

    def issue(self, token: str) -> str:
        """From now on `token` opens the account."""
        self.issued[token] = time.time()
        return token

    def refusal(self, request: Request, params: Mapping[str, Any], *, is_read: bool) -> Response | None:
        """Why a call is not even looked at; None if it may go on."""
        if not _VERSION.fullmatch(request.path_params["version"]):
            text = "Unknown path components: /" + request.path_params["version"]
            return error(2500, text, kind="IGApiException")
        token = token_of(request, params)
        strikes = self._faults.strikes
        if token not in self.issued:
            return error(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        proof = appsecret_proof(self._config.app_secret, token)
        if self._config.login == "facebook" and params.get("appsecret_proof") != proof:
            text = "Invalid appsecret_proof provided in the API argument"
            return error(100, text, kind="GraphMethodException")
        if strikes("expired_token"):
            return expired()
        if strikes("missing_permission") or self._lacks_right(params):
            return error(10, "(#10) Application does not have permission for this action", status=403)
        if not self._limits.call() or strikes("throttle"):
            text = "(#80002) There have been too many calls to this Instagram account."
            return error(80002, text, headers=self._limits.headers(throttled=True))
        if strikes("throttle_bare"):
            return error(4, "(#4) Application request limit reached", subcode=1504022, transient=True)
        if is_read and strikes("read_error"):
            return error(1, "An unknown error occurred", status=500)
        if token == self._config.other_token:
            return missing(request.method, request.path_params.get("object_id", "me"))
        return None

    def _lacks_right(self, params: Mapping[str, Any]) -> bool:
        """With Instagram Login nothing but the refusal itself tells that comments may not be read."""
        reads_comments = "comments" in str(params.get("fields", ""))
        return (
            self._config.login == "instagram"
            and reads_comments
            and bool(self._faults.strikes("missing_scope"))
        )
