"""OAuth 2.0 with LinkedIn: a member's consent -> the organisations that the member administers.

Source: "Authorization Code Flow" and "Refresh Tokens" of LinkedIn's documentation: tokens last 60 days,
refresh tokens 365 days from the consent and not from their last use. No PKCE: LinkedIn offers it to native
apps alone, and refuses a confidential app that sends a code verifier as `invalid_client`, as others measured;
the state, and the secret, which only Parley has, protect the code.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from connectors.linkedin.check import READERS, elements, organisation_of, scopes_of
from connectors.linkedin.errors import ApiError, api_error, failure_of
from connectors.linkedin.fields import number_of
from connectors.linkedin.rest import Rest
from connectors.logins import Granted, Token
from connectors.outcomes import AccountStopped, Cause
from infra.settings import Settings
from schemas.errors import ConfigurationError, TransientError
from schemas.events import utc_now

SCOPES: Final = ("r_organization_social_feed", "w_organization_social_feed", "rw_organization_admin")


class LinkedInLogin:
    """Implements `connectors.platform.Login`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._oauth = f"{settings.linkedin_oauth_url.rstrip('/')}/oauth/v2"

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:  # noqa: ARG002 - no PKCE
        """Where the member consents to `SCOPES`."""
        client_id, _ = self._app()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "scope": " ".join(SCOPES),
        }
        return f"{self._oauth}/authorization?{urlencode(query)}"

    async def exchange(
        self,
        http: httpx.AsyncClient,
        *,
        code: str,
        redirect_uri: str,
        verifier: str,  # noqa: ARG002 - no PKCE
    ) -> tuple[Granted, ...]:
        """The organisations of which the member may read and write the comments, all with one token."""
        token = await self._token(
            http, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        )
        rest = Rest(
            http,
            base_url=self._settings.linkedin_api_url,
            version=self._settings.linkedin_version,
            token=token.access,
            timeout=self._settings.posting_timeout,
        )
        content = await _read(rest, "organizationAcls?q=roleAssignee&state=APPROVED&start=0&count=100")
        found = [organisation_of(item) for item in elements(content) if item.get("role") in READERS]
        return tuple([await _granted(rest, one, token) for one in dict.fromkeys(found) if one is not None])

    async def refresh(self, http: httpx.AsyncClient, token: Token) -> Token | None:
        """A new access token, with the same refresh token; None where the app was given none."""
        if token.refresh is None:
            return None
        fresh = await self._token(http, {"grant_type": "refresh_token", "refresh_token": token.refresh})
        return Token(
            access=fresh.access,
            refresh=fresh.refresh or token.refresh,
            expires_at=fresh.expires_at,
            scopes=fresh.scopes or token.scopes,
        )

    def _app(self) -> tuple[str, str]:
        client_id, secret = self._settings.linkedin_client_id, self._settings.linkedin_client_secret
        if client_id is None or secret is None:
            raise ConfigurationError(
                "Logging in with LinkedIn needs PARLEY_LINKEDIN_CLIENT_ID and PARLEY_LINKEDIN_CLIENT_SECRET."
            )
        return client_id, secret.get_secret_value()

    async def _token(self, http: httpx.AsyncClient, form: Mapping[str, str]) -> Token:
        client_id, secret = self._app()
        form = {**form, "client_id": client_id, "client_secret": secret}
        try:
            async with asyncio.timeout(self._settings.posting_timeout):
                answer = await http.post(f"{self._oauth}/accessToken", data=form, follow_redirects=False)
            content = answer.json() if answer.is_success else {}
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise TransientError(f"LinkedIn's login could not be reached: {type(error).__name__}") from error
        if not answer.is_success:
            refused = api_error(answer.status_code, answer.content, answer.headers)
            if answer.status_code in (400, 401):
                # A code or refresh token that is used up, over or revoked, or a secret that is wrong.
                raise AccountStopped(Cause.AUTH, f"LinkedIn refuses the login: log in again. {refused}")
            raise failure_of(refused)
        access = content.get("access_token") if isinstance(content, Mapping) else None
        if not isinstance(access, str) or not access:
            raise TransientError("LinkedIn's login answered without a token")
        return _token_of(content, access, utc_now())


def _token_of(content: Mapping[str, Any], access: str, now: datetime) -> Token:
    seconds, refresh = number_of(content, "expires_in"), content.get("refresh_token")
    return Token(
        access=access,
        refresh=refresh if isinstance(refresh, str) and refresh else None,
        expires_at=now + timedelta(seconds=seconds) if seconds else None,
        scopes=scopes_of(content.get("scope")),
    )


async def _granted(rest: Rest, account_id: str, token: Token) -> Granted:
    about = await _read(rest, f"organizations/{account_id}")
    return Granted(
        account_id=account_id,
        name=str(about.get("localizedName") or account_id),
        username=about.get("vanityName"),
        token=token,
    )


async def _read(rest: Rest, path: str) -> Mapping[str, Any]:
    answer = await rest.read(path)
    if isinstance(answer, ApiError):
        raise failure_of(answer)
    return answer.content
