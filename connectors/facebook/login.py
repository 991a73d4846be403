"""How a person gives Parley access to Facebook pages. Implements `connectors.platform.Login`."""

from typing import Final

import httpx

from connectors.logins import Granted, Token
from connectors.meta.login import MetaLogin
from infra.settings import Settings

SCOPES: Final = (
    "pages_show_list",
    "pages_manage_metadata",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_engagement",
)
"""To list pages and subscribe to them, to read comments, to answer them."""


class FacebookLogin:
    """A page's token comes with the person's long-lived one and has no end: nothing is refreshed."""

    def __init__(self, meta: MetaLogin) -> None:
        self._meta = meta

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Facebook's page of consent."""
        return self._meta.authorize_url(redirect_uri=redirect_uri, state=state, challenge=challenge)

    async def exchange(
        self, http: httpx.AsyncClient, *, code: str, redirect_uri: str, verifier: str
    ) -> tuple[Granted, ...]:
        """Every page that the person manages and let the app see."""
        user = await self._meta.user_token(http, code=code, redirect_uri=redirect_uri, verifier=verifier)
        found = []
        async for page in self._meta.managed_pages(http, user.access, "id,name,username,access_token"):
            page_id, token = page.get("id"), page.get("access_token")
            if not isinstance(page_id, str) or not isinstance(token, str):
                continue  # a page on which the person has no task that brings a token
            username = page.get("username")
            found.append(
                Granted(
                    account_id=page_id,
                    name=str(page.get("name") or page_id),
                    token=Token(access=token, scopes=user.scopes),
                    username=username if isinstance(username, str) else None,
                )
            )
        return tuple(found)

    async def refresh(self, http: httpx.AsyncClient, token: Token) -> Token | None:  # noqa: ARG002
        """None: a page's token ends when the person changes the password, loses the role or takes it back."""
        return None


def facebook_login(settings: Settings) -> FacebookLogin:
    """Facebook's login with the app of the settings."""
    secret = settings.facebook_app_secret
    meta = MetaLogin(
        graph_url=settings.facebook_graph_url,
        version=settings.facebook_graph_version,
        login_url=settings.facebook_login_url,
        app_id=settings.facebook_app_id,
        app_secret=secret.get_secret_value() if secret else None,
        scopes=SCOPES,
        timeout=settings.posting_timeout,
    )
    return FacebookLogin(meta)
