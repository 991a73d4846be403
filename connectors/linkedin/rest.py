"""One HTTP exchange with LinkedIn's versioned API: address, version, token, time limit. No comments here.

Source: "API Concepts" and "Versioning" of LinkedIn's documentation.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from connectors.linkedin.errors import ApiError, api_error, outcome_of
from connectors.outcomes import Cause, NotSent, Unknown
from connectors.platform import Usage
from schemas.errors import ConfigurationError, TransientError

NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures of httpx before the first byte of a request was written."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer; `content` is empty where it is no JSON object, `restli_id` the id of what was made."""

    status: int
    content: Mapping[str, Any]
    restli_id: str = ""


class Rest:
    """Calls of one token. `timeout`: seconds for a whole call, connecting and reading included.

    `path` comes ready for a URL, query included: Rest.li wants urns encoded, and its lists' brackets not.
    Raises ConfigurationError for a token that cannot stand in a header.
    """

    def __init__(
        self, http: httpx.AsyncClient, *, base_url: str, version: str, token: str, timeout: float
    ) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError("The access token holds characters that no token has; enter it again.")
        self._http = http
        self._base = f"{base_url.rstrip('/')}/rest"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "LinkedIn-Version": version,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        self._timeout = timeout
        self.usage = Usage()

    async def read(self, path: str) -> Answer | ApiError:
        """A GET; an ApiError is returned, since only the caller knows if "gone" is an answer.

        Raises TransientError where no readable answer came.
        """
        try:
            response = await self._send("GET", path)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise TransientError(f"LinkedIn could not be read: {type(error).__name__}: {error}") from error
        if not response.is_success:
            return self._error(response)
        content = _object(response.content)
        if content is None:
            raise TransientError(f"LinkedIn answered {len(response.content)} bytes that are no JSON object")
        return Answer(response.status_code, content)

    async def write(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Answer | NotSent | Unknown:
        """A POST, PUT or DELETE, sent at most once; never raises for what the network or LinkedIn does."""
        try:
            response = await self._send(method, path, body)
        except NEVER_LEFT as error:
            return NotSent(Cause.TRANSIENT, f"no connection: {type(error).__name__}: {error}")
        except httpx.InvalidURL as error:
            return NotSent(Cause.PERMANENT, f"no such address: {error}")
        except (httpx.HTTPError, TimeoutError) as error:
            return Unknown(f"no answer: {type(error).__name__}: {error}")
        if not response.is_success:
            return outcome_of(self._error(response))
        made = response.headers.get("x-restli-id", "")
        return Answer(response.status_code, _object(response.content) or {}, made)

    def _error(self, response: httpx.Response) -> ApiError:
        error = api_error(response.status_code, response.content, response.headers)
        if error.status == 429:
            # There are no headers that say how much is used: the only thing known is that it is all.
            self.usage = Usage(percent=100, regain_after=error.retry_after)
        return error

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        async with asyncio.timeout(self._timeout):
            response = await self._http.request(
                method, f"{self._base}/{path}", headers=self._headers, json=body, follow_redirects=False
            )
        if response.is_success:
            self.usage = Usage()
        return response


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, Mapping) else None
