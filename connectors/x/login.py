"""How a person gives Parley access to an X account: OAuth 2 with PKCE, and refreshing.

Source: "OAuth 2.0 Authorization Code Flow with PKCE" of X's documentation. The code lives 30 seconds, the
access token two hours. A refresh token is good for one use (widely reported, not on that page): the new one
must be stored before anything else is done, and two refreshes at once lose the account.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from connectors.logins import Granted, Token
from connectors.outcomes import AccountStopped, Cause
from connectors.x.api import Tweepy, read
from connectors.x.errors import XError, failure_of, parsed, x_error
from infra.settings import Settings
from schemas.errors import ConfigurationError, ThrottledError, TransientError
from schemas.events import utc_now

SCOPES: Final = ("tweet.read", "tweet.write", "tweet.moderate.write", "users.read", "offline.access")
"""Read, answer, hide; and a refresh token."""


class XLogin:
    """Implements `connectors.platform.Login`; opens nothing."""

    def __init__(
        self,
        *,
        api_url: str,
        login_url: str,
        client_id: str | None,
        client_secret: str | None,
        timeout: float,
    ) -> None:
        self._api_url = api_url
        self._login_url = login_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._timeout = timeout

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """X's page of consent."""
        query = {
            "response_type": "code",
            "client_id": self._id(),
            "redirect_uri": redirect_uri,
            "scope": " ".join(SCOPES),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._login_url}?{urlencode(query)}"

    async def exchange(
        self, http: httpx.AsyncClient, *, code: str, redirect_uri: str, verifier: str
    ) -> tuple[Granted, ...]:
        """The one account that the person was signed in to."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        token = await self._token(http, form)
        tweepy = Tweepy(http, base_url=self._api_url, token=token.access, timeout=self._timeout)
        answer = await read(tweepy.get_me(user_auth=False, user_fields="name,username"))
        if isinstance(answer, XError):
            raise failure_of(answer)
        user = answer.content.get("data")
        if not isinstance(user, Mapping) or not isinstance(user.get("id"), str):
            raise TransientError("X gave a token but did not say whose it is; connect the account again.")
        username = str(user.get("username") or "")
        name = str(user.get("name") or username or user["id"])
        return (Granted(account_id=user["id"], name=name, token=token, username=username or None),)

    async def refresh(self, http: httpx.AsyncClient, token: Token) -> Token | None:
        """The next access token, with the refresh token that replaces the one given."""
        if token.refresh is None:
            return None
        form = {"grant_type": "refresh_token", "refresh_token": token.refresh}
        return await self._token(http, form, before=token)

    async def _token(
        self, http: httpx.AsyncClient, form: Mapping[str, str], *, before: Token | None = None
    ) -> Token:
        # A confidential client shows its secret, a public one only names itself.
        auth = (self._id(), self._client_secret) if self._client_secret else None
        try:
            async with asyncio.timeout(self._timeout):
                response = await http.post(
                    f"{self._api_url}/2/oauth2/token",
                    data={**form, **({} if auth else {"client_id": self._id()})},
                    auth=auth or httpx.USE_CLIENT_DEFAULT,
                    follow_redirects=False,
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise TransientError(f"X's login could not be reached: {type(error).__name__}") from error
        if not response.is_success:
            raise _refusal(response)
        return _read_token(parsed(response.content) or {}, before, utc_now())

    def _id(self) -> str:
        if not self._client_id:
            raise ConfigurationError(
                "The X app's OAuth 2.0 client id is missing; set PARLEY_X_CLIENT_ID, and "
                "PARLEY_X_CLIENT_SECRET if the app is a confidential client."
            )
        return self._client_id


def x_login(settings: Settings) -> XLogin:
    """X's login with the client id and secret of the settings."""
    secret = settings.x_client_secret
    return XLogin(
        api_url=settings.x_api_url,
        login_url=settings.x_login_url,
        client_id=settings.x_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        timeout=settings.posting_timeout,
    )


def _refusal(response: httpx.Response) -> Exception:
    headers = {name.lower(): value for name, value in response.headers.items()}
    error = x_error(response.status_code, response.content, headers)
    if error.status == 429:
        return ThrottledError(f"X throttles logins. {error}", retry_after=error.retry_after)
    if error.status >= 500:
        return TransientError(f"X's login could not answer. {error}")
    return AccountStopped(
        Cause.AUTH,
        f"X refuses the login; check the app's client id and secret, then connect the account again. {error}",
    )


def _read_token(content: Mapping[str, Any], before: Token | None, now: datetime) -> Token:
    access, refresh = content.get("access_token"), content.get("refresh_token")
    lasts, scope = content.get("expires_in"), content.get("scope")
    if not isinstance(access, str) or not access:
        raise TransientError("X's login answered without a token")
    return Token(
        access=access,
        refresh=refresh if isinstance(refresh, str) else before.refresh if before else None,
        expires_at=now + timedelta(seconds=lasts) if isinstance(lasts, (int, float)) else None,
        scopes=frozenset(scope.split())
        if isinstance(scope, str)
        else before.scopes
        if before
        else frozenset(),
    )
