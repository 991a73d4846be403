"""How a person gives Parley access to Instagram accounts, by either way; implements `platform.Login`.

Sources: Meta's "Business Login for Instagram", "Long-Lived Access Tokens" and "Refresh a Long-Lived Token"
(Instagram Login: 60 days, renewed from a day old on, never once expired). Facebook Login: `page_login.py`.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from connectors.instagram.access import Access, access
from connectors.instagram.page_login import granted, page_login
from connectors.logins import Granted, Login, Token
from connectors.meta.errors import GraphError, failure_of, graph_error
from connectors.meta.graph import Graph
from connectors.outcomes import AccountStopped, Cause, RequestRefused
from infra.settings import Settings
from schemas.errors import ConfigurationError, TransientError
from schemas.events import utc_now

SCOPES: Final = ("instagram_business_basic", "instagram_business_manage_comments")
_LASTS: Final = timedelta(days=60)
_YOUNG: Final = timedelta(days=1)


class InstagramLogin:
    """Instagram Login: the one account that the person is signed in to.

    The code challenge is sent although Instagram documents none: a server that knows none ignores it.
    `token_url`: host that turns codes into tokens.
    """

    def __init__(self, way: Access, token_url: str) -> None:
        self._way = way
        self._token_url = token_url

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Instagram's page of consent."""
        app_id, _ = self._app()
        query = {
            "client_id": app_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": ",".join(SCOPES),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._way.login_url}/oauth/authorize?{urlencode(query)}"

    async def exchange(
        self, http: httpx.AsyncClient, *, code: str, redirect_uri: str, verifier: str
    ) -> tuple[Granted, ...]:
        """The account, with a token for 60 days."""
        app_id, secret = self._app()
        form = {
            "client_id": app_id,
            "client_secret": secret,
            "grant_type": "authorization_code",
            "redirect_uri": redirect_uri,
            # Instagram appends "#_" to the address that it sends the browser back to.
            "code": code.removesuffix("#_"),
            "code_verifier": verifier,
        }
        short = await self._ask(http, "POST", f"{self._token_url}/oauth/access_token", data=form)
        data = short.get("data")  # documented with and without a list around it
        first = data[0] if isinstance(data, list) and data and isinstance(data[0], Mapping) else short
        granted = first.get("permissions")
        scopes = granted.split(",") if isinstance(granted, str) else granted
        query = {
            "grant_type": "ig_exchange_token",
            "client_secret": secret,
            "access_token": str(first.get("access_token") or ""),
        }
        answer = await self._ask(http, "GET", f"{self._way.graph_url}/access_token", params=query)
        token = _token(answer, frozenset(str(scope).strip() for scope in scopes or SCOPES))
        return (await self._whose(http, token),)

    async def refresh(self, http: httpx.AsyncClient, token: Token) -> Token | None:
        """60 days more; None for a token younger than a day, which Instagram does not renew."""
        if token.expires_at is not None and token.expires_at - utc_now() > _LASTS - _YOUNG:
            return None
        query = {"grant_type": "ig_refresh_token", "access_token": token.access}
        answer = await self._ask(http, "GET", f"{self._way.graph_url}/refresh_access_token", params=query)
        return _token(answer, token.scopes)

    async def _whose(self, http: httpx.AsyncClient, token: Token) -> Granted:
        """`user_id` is the id that webhooks name; `id` is known to this app alone."""
        graph = Graph(
            http,
            base_url=self._way.graph_url,
            version=self._way.version,
            token=token.access,
            app_secret=self._way.proof_secret,
            timeout=self._way.timeout,
        )
        answer = await graph.read("me", {"fields": "user_id,username,name"})
        if isinstance(answer, GraphError):
            raise failure_of(answer)
        account_id = answer.content.get("user_id")
        if not isinstance(account_id, (str, int)) or not account_id:
            raise TransientError("Instagram gave a token but did not say whose it is; connect it again.")
        return granted(str(account_id), answer.content, token)

    async def _ask(self, http: httpx.AsyncClient, method: str, url: str, **content: Any) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(self._way.timeout):
                response = await http.request(method, url, follow_redirects=False, **content)
        except (httpx.HTTPError, TimeoutError) as error:
            # The address holds a secret or a token: only the kind of failure is told.
            raise TransientError(f"Instagram's login could not be reached: {type(error).__name__}") from None
        if not response.is_success:
            raise _refusal(response)
        return _object(response.content)

    def _app(self) -> tuple[str, str]:
        if not self._way.app_id or not self._way.app_secret:
            raise ConfigurationError(
                "Instagram's app is not told; set PARLEY_INSTAGRAM_APP_ID and PARLEY_INSTAGRAM_APP_SECRET "
                "(Instagram, API setup with Instagram login, at developers.facebook.com)."
            )
        return self._way.app_id, self._way.app_secret


def instagram_login(settings: Settings) -> Login:
    """The login that `instagram_login` names, with its app of the settings."""
    way = access(settings)
    return page_login(way) if way.by_page else InstagramLogin(way, settings.instagram_token_url)


def _token(content: Mapping[str, Any], scopes: frozenset[str]) -> Token:
    given, lasts = content.get("access_token"), content.get("expires_in")
    if not isinstance(given, str) or not given:
        raise TransientError("Instagram's login answered without a token")
    ends = utc_now() + timedelta(seconds=lasts) if isinstance(lasts, (int, float)) and lasts else None
    return Token(access=given, expires_at=ends, scopes=scopes)


def _refusal(response: httpx.Response) -> Exception:
    """Bodies are Graph errors, or (from the host of codes) `error_type`, `code`, `error_message`."""
    error = graph_error(response.status_code, response.content, response.headers)
    failure = failure_of(error)
    told = _object(response.content).get("error_message")
    if isinstance(failure, RequestRefused) or (error.code == 0 and 400 <= error.status < 429):
        reason = told if isinstance(told, str) else str(error)
        return AccountStopped(
            Cause.AUTH, f"Instagram refuses the login; connect the account again. {reason[:300]}"
        )
    return failure


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, Mapping) else {}
