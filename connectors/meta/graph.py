"""One HTTP exchange with the Graph API: address, token, proof, time limit, usage headers.

Knows nothing of comments. Facebook's and Instagram's calls have the same form.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from connectors.meta.errors import GraphError, graph_error, outcome_of
from connectors.meta.signing import appsecret_proof
from connectors.meta.usage import usage_of
from connectors.outcomes import Cause, NotSent, Unknown
from connectors.platform import Usage
from schemas.errors import ConfigurationError, TransientError

NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures of httpx before the first byte of a request was written."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer's JSON object; empty where the body is something else."""

    status: int
    content: Mapping[str, Any]


class Graph:
    """Calls of one token. `timeout`: seconds for a whole call, connecting and reading included.

    Raises ConfigurationError for a token that cannot stand in a header.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        base_url: str,
        version: str,
        token: str,
        app_secret: str | None,
        timeout: float,
    ) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError("The access token holds characters that no token has; enter it again.")
        self.token = token
        self._http = http
        self._base = f"{base_url}/{version}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._proof = {"appsecret_proof": appsecret_proof(app_secret, token)} if app_secret else {}
        self._timeout = timeout
        self.usage = Usage()

    async def read(self, path: str, params: Mapping[str, str]) -> Answer | GraphError:
        """A GET; a GraphError is returned, since only the caller knows if "gone" is an answer.

        Raises TransientError where no readable answer came.
        """
        try:
            response = await self._send("GET", path, params={**params, **self._proof})
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise TransientError(
                f"The Graph API could not be read: {type(error).__name__}: {error}"
            ) from error
        if not response.is_success:
            return graph_error(response.status_code, response.content, response.headers)
        content = _object(response.content)
        if content is None:
            raise TransientError(f"The Graph API answered {len(response.content)} bytes, no JSON object")
        return Answer(response.status_code, content)

    async def write(self, method: str, path: str, form: Mapping[str, str]) -> Answer | NotSent | Unknown:
        """A POST or DELETE, sent at most once; never raises for what the network or Meta does."""
        try:
            response = await self._send(method, path, data={**form, **self._proof})
        except NEVER_LEFT as error:
            return NotSent(Cause.TRANSIENT, f"no connection: {type(error).__name__}: {error}")
        except httpx.InvalidURL as error:
            return NotSent(Cause.PERMANENT, f"no such address: {error}")
        except (httpx.HTTPError, TimeoutError) as error:
            return Unknown(f"no answer: {type(error).__name__}: {error}")
        if not response.is_success:
            return outcome_of(graph_error(response.status_code, response.content, response.headers))
        return Answer(response.status_code, _object(response.content) or {})

    async def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        async with asyncio.timeout(self._timeout):
            response = await self._http.request(
                method, f"{self._base}/{path}", headers=self._headers, follow_redirects=False, **content
            )
        self.usage = usage_of(response.headers) or self.usage
        return response


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, Mapping) else None
