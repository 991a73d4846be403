"""How a person gives Parley access to pages: Facebook Login, long-lived exchange, and the pages' tokens.

Source: "Manually Build a Login Flow", "Long-Lived Access Tokens" and "User Accounts" of Meta's documentation.
Instagram accounts are reached through the page that they belong to.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from connectors.logins import Token
from connectors.meta.errors import GraphError, failure_of, graph_error
from connectors.meta.graph import Graph
from connectors.meta.paging import pages
from connectors.outcomes import AccountStopped, Cause, RequestRefused
from schemas.errors import ConfigurationError, TransientError
from schemas.events import utc_now

_UNTIL_RENEWED: Final = "connect the account again"


class MetaLogin:
    """The app's side of Facebook Login; opens nothing. `login_url`: host of the page of consent."""

    def __init__(
        self,
        *,
        graph_url: str,
        version: str,
        login_url: str,
        app_id: str | None,
        app_secret: str | None,
        scopes: tuple[str, ...],
        timeout: float,
    ) -> None:
        self._graph_url = graph_url
        self._version = version
        self._login_url = login_url
        self._app_id = app_id
        self._app_secret = app_secret
        self._scopes = scopes
        self._timeout = timeout

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """The page of consent."""
        app_id, _ = self._app()
        query = {
            "client_id": app_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "response_type": "code",
            "scope": ",".join(self._scopes),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._login_url}/{self._version}/dialog/oauth?{urlencode(query)}"

    async def user_token(
        self, http: httpx.AsyncClient, *, code: str, redirect_uri: str, verifier: str
    ) -> Token:
        """The person's long-lived token for a code; it lasts about 60 days."""
        query = {"code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        short = await self._token(http, query)
        return await self.long_lived(http, short.access)

    async def long_lived(self, http: httpx.AsyncClient, token: str) -> Token:
        """A token that lasts about 60 days from now, for a person's token that still works."""
        return await self._token(http, {"grant_type": "fb_exchange_token", "fb_exchange_token": token})

    async def managed_pages(
        self, http: httpx.AsyncClient, user_token: str, fields: str
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The pages that the person manages, each with the `fields`; page tokens have no end of their own."""
        _, secret = self._app()
        graph = Graph(
            http,
            base_url=self._graph_url,
            version=self._version,
            token=user_token,
            app_secret=secret,
            timeout=self._timeout,
        )
        async for page in pages(graph, "me", "accounts", {"fields": fields}):
            yield page

    async def _token(self, http: httpx.AsyncClient, query: Mapping[str, str]) -> Token:
        app_id, secret = self._app()
        params = {"client_id": app_id, "client_secret": secret, **query}
        try:
            async with asyncio.timeout(self._timeout):
                response = await http.get(
                    f"{self._graph_url}/{self._version}/oauth/access_token",
                    params=params,
                    follow_redirects=False,
                )
        except (httpx.HTTPError, TimeoutError) as error:
            # The address holds the secret: only the kind of failure is told.
            raise TransientError(f"Meta's login could not be reached: {type(error).__name__}") from None
        if not response.is_success:
            raise _refusal(graph_error(response.status_code, response.content, response.headers))
        content = _object(response.content)
        access, lasts = content.get("access_token"), content.get("expires_in")
        if not isinstance(access, str) or not access:
            raise TransientError("Meta's login answered without a token")
        ends = utc_now() + timedelta(seconds=lasts) if isinstance(lasts, (int, float)) and lasts else None
        return Token(access=access, expires_at=ends, scopes=frozenset(self._scopes))

    def _app(self) -> tuple[str, str]:
        if not self._app_id or not self._app_secret:
            raise ConfigurationError(
                "Meta's app is not told; set PARLEY_FACEBOOK_APP_ID and PARLEY_FACEBOOK_APP_SECRET "
                "(App settings, Basic, at developers.facebook.com)."
            )
        return self._app_id, self._app_secret


def _refusal(error: GraphError) -> Exception:
    """A login's refusal: a code or token that does not hold is for a person to renew."""
    failure = failure_of(error)
    if isinstance(failure, RequestRefused):
        return AccountStopped(Cause.AUTH, f"Meta refuses the login; {_UNTIL_RENEWED}. {error}")
    return failure


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, Mapping) else {}
