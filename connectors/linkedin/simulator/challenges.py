"""How the simulated LinkedIn tests the webhook's address: at the start, and every two hours.

Source: "Webhook Validation": an answer within three seconds, and three failures block the address.
"""

import asyncio
import contextlib
import hmac
import json
import time
import uuid
from typing import Final

import httpx

from connectors.journal import Journal
from connectors.linkedin.signing import challenge_response
from connectors.linkedin.simulator.config import SimulatorConfig
from connectors.simulation import Deliveries, Faults

FAILURES: Final = 3


class Challenges:
    """`run` for as long as the simulator serves; `once` on request. `blocked`: nothing more is delivered."""

    def __init__(
        self, config: SimulatorConfig, deliveries: Deliveries, faults: Faults, journal: Journal
    ) -> None:
        self._config = config
        self._deliveries = deliveries
        self._faults = faults
        self._journal = journal
        self._failures = 0
        self.blocked: str | None = None

    async def run(self) -> None:
        """Challenges for ever; not more often than every ten seconds, however fast the simulator is."""
        while True:
            await asyncio.sleep(max(self._config.challenge_every / self._config.scale, 10.0))
            await self.once()

    async def once(self) -> str:
        """One challenge: `validated`, `failed`, `blocked` (three in a row), or `no_address`."""
        url = self._deliveries.callback_url
        if url is None:
            return "no_address"
        passed = await self._passes(url)
        self._failures = 0 if passed else self._failures + 1
        outcome = "validated" if passed else "failed"
        if self._failures >= FAILURES:
            self.blocked, self._deliveries.callback_url, outcome = url, None, "blocked"
        self._journal.write("challenge", effect=outcome)
        return outcome

    def unblock(self) -> None:
        """Somebody validates the address anew."""
        if self.blocked is not None:
            self._deliveries.callback_url, self.blocked, self._failures = self.blocked, None, 0

    async def _passes(self, url: str) -> bool:
        code = str(uuid.uuid4())
        late = self._faults.strikes("challenge_late")
        answer = None
        async with httpx.AsyncClient(trust_env=False) as http:
            # From here, for making a client takes a while where the machine is busy.
            began = time.monotonic()
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(self._config.challenge_seconds):
                    answer = await http.get(url, params={"challengeCode": code})
            in_time = time.monotonic() - began <= self._config.challenge_seconds
        if answer is None or late or not in_time or answer.status_code != 200:
            return False
        expected = {
            "challengeCode": code,
            "challengeResponse": challenge_response(self._config.client_secret, code),
        }
        try:
            given = json.dumps(answer.json(), sort_keys=True)
        except ValueError:
            return False
        return answer.headers.get("content-type", "").startswith("application/json") and hmac.compare_digest(
            given, json.dumps(expected, sort_keys=True)
        )
