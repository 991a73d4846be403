"""Access to Instagram accounts by Facebook Login, through the pages that they are linked with.

Source: "User Accounts" of Meta's documentation: the page's token has no end. Implements `platform.Login`.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from connectors.instagram.access import Access
from connectors.logins import Granted, Token
from connectors.meta.login import MetaLogin

PAGE_SCOPES: Final = (
    "instagram_basic",
    "instagram_manage_comments",
    "pages_show_list",
    "pages_manage_metadata",
    "pages_read_engagement",
)
_PAGE_FIELDS: Final = "id,access_token,instagram_business_account{id,username,name}"


class PageLogin:
    """Facebook Login: accounts that are linked with pages which the person manages."""

    def __init__(self, meta: MetaLogin) -> None:
        self._meta = meta

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Facebook's page of consent."""
        return self._meta.authorize_url(redirect_uri=redirect_uri, state=state, challenge=challenge)

    async def exchange(
        self, http: httpx.AsyncClient, *, code: str, redirect_uri: str, verifier: str
    ) -> tuple[Granted, ...]:
        """Every account that is linked with a page, each with the page's token."""
        user = await self._meta.user_token(http, code=code, redirect_uri=redirect_uri, verifier=verifier)
        found = []
        async for page in self._meta.managed_pages(http, user.access, _PAGE_FIELDS):
            account, token = page.get("instagram_business_account"), page.get("access_token")
            if isinstance(account, Mapping) and isinstance(account.get("id"), str) and isinstance(token, str):
                found.append(granted(account["id"], account, Token(access=token, scopes=user.scopes)))
        return tuple(found)

    async def refresh(self, http: httpx.AsyncClient, token: Token) -> Token | None:  # noqa: ARG002
        """None: a page's token ends when the person changes the password, loses the role or takes it back."""
        return None


def page_login(way: Access) -> PageLogin:
    """The login by the Facebook app of `way`."""
    meta = MetaLogin(
        graph_url=way.graph_url,
        version=way.version,
        login_url=way.login_url,
        app_id=way.app_id,
        app_secret=way.app_secret,
        scopes=PAGE_SCOPES,
        timeout=way.timeout,
    )
    return PageLogin(meta)


def granted(account_id: str, told: Mapping[str, Any], token: Token) -> Granted:
    """An account as Meta tells of it."""
    username, name = told.get("username"), told.get("name")
    known = username if isinstance(username, str) and username else None
    return Granted(
        account_id=account_id,
        name=name if isinstance(name, str) and name else known or account_id,
        token=token,
        username=known,
    )
