"""Whether an organisation's access is as it must be, asked of LinkedIn itself.

A member without the right role gets 200 and an empty list where comments are, so an empty answer proves
nothing: the roles are read, and a post that counts comments must show some.
Sources: "Organization Access Control", "Token Introspection", "Webhooks" of LinkedIn's documentation.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from connectors.accounts import Account
from connectors.linkedin.errors import ApiError, cause_of, failure_of
from connectors.linkedin.fields import number_of
from connectors.linkedin.rest import Rest
from connectors.linkedin.urns import encoded, organisation_id, organisation_urn
from connectors.linkedin.webhook import EVENT_TYPE
from connectors.outcomes import AccountStopped, Cause
from connectors.platform import AccountCheck
from infra import logs
from infra.settings import Settings
from schemas.errors import TransientError
from schemas.events import utc_now

_log = logs.get("parley.linkedin")

READERS: Final = frozenset({"ADMINISTRATOR", "DIRECT_SPONSORED_CONTENT_POSTER", "CONTENT_ADMINISTRATOR"})
"""Roles with which a member sees and writes an organisation's comments."""

_NEEDED: Final = ("r_organization_social", "w_organization_social")
_PROBED: Final = 5


class Checks:
    """One account's check; `run` as `PlatformClient.check`."""

    def __init__(
        self, account: Account, token: str, rest: Rest, http: httpx.AsyncClient, settings: Settings
    ) -> None:
        self._account = account
        self._token = token
        self._rest = rest
        self._http = http
        self._settings = settings
        self._urn = organisation_urn(account.account_id)

    async def run(self) -> AccountCheck:
        """Asks for token, role, a look at comments, subscription and name; raises TransientError alone."""
        scopes: frozenset[str] = frozenset()
        expires_at = None
        try:
            told = await self._introspected()
            scopes, expires_at = scopes_of(told.get("scope")), _moment(told.get("expires_at"))
            if told.get("active") is False:
                raise AccountStopped(Cause.AUTH, "The access token has expired or was revoked: log in again.")
            missing = [name for name in _NEEDED if scopes and not scopes & {name, f"{name}_feed"}]
            if missing:
                raise AccountStopped(Cause.PERMISSION, f"Log in again and grant {', '.join(missing)}.")
            await self._has_role()
            await self._sees_comments()
            subscribed = await self._subscribed()
            about = await self._named()
        except AccountStopped as error:
            return AccountCheck(problem=error.cause, reason=str(error), expires_at=expires_at, scopes=scopes)
        return AccountCheck(
            subscribed=subscribed,
            expires_at=expires_at,
            scopes=scopes,
            name=about.get("localizedName"),
            username=about.get("vanityName"),
        )

    async def _read(self, path: str) -> Mapping[str, Any] | None:
        """An answer; None where LinkedIn refuses this question alone."""
        answer = await self._rest.read(path)
        if not isinstance(answer, ApiError):
            return answer.content
        if cause_of(answer) in (Cause.GONE, Cause.PERMANENT):
            return None
        raise failure_of(answer)

    async def _introspected(self) -> Mapping[str, Any]:
        """What LinkedIn says of the token; empty where the app's id or secret is not set."""
        secret = self._settings.linkedin_client_secret
        if self._settings.linkedin_client_id is None or secret is None:
            return {}
        form = {
            "client_id": self._settings.linkedin_client_id,
            "client_secret": secret.get_secret_value(),
            "token": self._token,
        }
        url = f"{self._settings.linkedin_oauth_url.rstrip('/')}/oauth/v2/introspectToken"
        try:
            async with asyncio.timeout(self._settings.posting_timeout):
                response = await self._http.post(url, data=form, follow_redirects=False)
            told = response.json() if response.is_success else {}
            if response.status_code >= 500 or response.status_code == 429:
                raise TransientError(f"LinkedIn did not tell of the token: HTTP {response.status_code}")
            if not response.is_success:
                _log.warning("LinkedIn refuses the app's id or secret", status=response.status_code)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise TransientError(f"LinkedIn did not tell of the token: {type(error).__name__}") from error
        return told if isinstance(told, Mapping) else {}

    async def _has_role(self) -> None:
        answer = await self._rest.read("organizationAcls?q=roleAssignee&state=APPROVED&start=0&count=100")
        if isinstance(answer, ApiError):
            if cause_of(answer) in (Cause.GONE, Cause.PERMANENT) or _is_refused(answer):
                return  # roles are told to fewer apps than comments are
            raise failure_of(answer)
        content = answer.content
        roles = {
            str(item.get("role"))
            for item in elements(content)
            if organisation_of(item) == self._account.account_id
        }
        if not roles:
            raise AccountStopped(
                Cause.AUTH,
                f"The token's member has no role on organisation {self._account.account_id}: log in as "
                "one of its administrators.",
            )
        if not roles & READERS:
            held = ", ".join(sorted(roles))
            raise AccountStopped(
                Cause.PERMISSION,
                f"The member's role on organisation {self._account.account_id} is {held}: LinkedIn "
                "shows no comments with that. Make the member an administrator of the page.",
            )

    async def _sees_comments(self) -> None:
        """Of the posts that count comments one must show some; without any, nothing can be told."""
        hidden = False
        posts = await self._read(f"posts?q=author&author={encoded(self._urn)}&start=0&count={_PROBED}")
        for item in elements(posts or {}):
            post = encoded(str(item.get("id")))
            counted = await self._read(f"socialMetadata/{post}") or {}
            if not number_of(counted.get("commentSummary"), "count"):
                continue
            listed = await self._read(f"socialActions/{post}/comments?start=0&count=1")
            if listed is not None and elements(listed):
                return
            hidden = hidden or listed is not None
        if hidden:
            raise AccountStopped(
                Cause.PERMISSION, "LinkedIn counts comments and shows none: the member may not read them."
            )

    async def _named(self) -> Mapping[str, Any]:
        answer = await self._rest.read(f"organizations/{self._account.account_id}")
        if isinstance(answer, ApiError):
            if cause_of(answer) in (Cause.GONE, Cause.PERMANENT) or _is_refused(answer):
                return {}
            raise failure_of(answer)
        return answer.content

    async def _subscribed(self) -> bool | None:
        path = f"eventSubscriptions?q=subscriberAndEventType&eventType={EVENT_TYPE}"
        answer = await self._rest.read(path)
        if isinstance(answer, ApiError):
            if cause_of(answer) in (Cause.GONE, Cause.PERMANENT) or _is_refused(answer):
                return None  # the development tier has no webhooks; polling does without
            raise failure_of(answer)
        return any(_is_alive(item, self._urn) for item in elements(answer.content))


def scopes_of(value: object) -> frozenset[str]:
    """Scopes, which LinkedIn divides by commas or by spaces."""
    return frozenset(str(value or "").replace(",", " ").split())


def elements(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The objects of a collection."""
    found = content.get("elements")
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def organisation_of(item: Mapping[str, Any]) -> str | None:
    """The organisation of a role, which versions of the API name differently."""
    keys = ("organization", "organizationTarget", "organizationalTarget")
    return next((found for key in keys if (found := organisation_id(item.get(key)))), None)


def _is_refused(error: ApiError) -> bool:
    """True if the app may not ask this one thing."""
    return error.status == 403 and cause_of(error) is Cause.PERMISSION


def _is_alive(item: Mapping[str, Any], urn: str) -> bool:
    """True for a subscription to this organisation that has not ended."""
    key = item.get("eventSubscription") or item.get("key") or item
    expires = number_of(item, "expiresAt", "expirationTime")
    return (
        isinstance(key, Mapping)
        and key.get("entity") == urn
        and item.get("status", "ACTIVE") != "BLOCKED"
        and (expires is None or expires > utc_now().timestamp() * 1000)
    )


def _moment(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and 0 < value < 10**11 else None
