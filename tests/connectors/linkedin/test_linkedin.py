"""LinkedIn fulfils the contract of a platform folder."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.accounts import Account
from connectors.linkedin.client import LinkedInClient, linkedin_client
from connectors.linkedin.login import LinkedInLogin
from connectors.linkedin.signing import HEADER, signature
from connectors.linkedin.simulator import Simulator
from connectors.linkedin.webhook import LinkedInWebhook
from connectors.logins import Login, Token
from connectors.outcomes import AccountStopped, Cause, Done, NotSent
from connectors.platform import PlatformClient
from infra.settings import Settings
from tests.connectors.contract import (
    REDIRECT,
    VERIFIER,
    ActivityContract,
    CheckContract,
    ClientContract,
    Deliveries,
    ImpatienceContract,
    LoginContract,
    Signed,
    WebhookContract,
    _consent,
)
from tests.connectors.linkedin.payloads import OWNER, comment_urn, delivery, notification
from tests.connectors.simulated import SimulatedAccount


class TestWebhook(WebhookContract):
    @pytest.fixture
    def webhook(self) -> LinkedInWebhook:
        return LinkedInWebhook(client_secret="secret")

    @pytest.fixture
    def signed(self) -> Signed:
        return lambda body: {HEADER: signature("secret", body)}

    @pytest.fixture
    def deliveries(self) -> Deliveries:
        own: dict[str, Any] = {"owner": OWNER, "number": 99}
        return Deliveries(
            added=delivery(notification()),
            edited=delivery(notification("COMMENT_EDIT", text="better now")),
            removed=delivery(notification("COMMENT_DELETE", decoratedGeneratedActivity=None)),
            own_reply=delivery(notification("ADMIN_COMMENT", **own, parentComment=comment_urn(22))),
            own_reply_to=comment_urn(22),
            ignored={
                "action:like": delivery(notification("LIKE")),
                "action:share": delivery(notification("SHARE")),
                "action:share_mention": delivery(notification("SHARE_MENTION")),
                "action:other": delivery(notification(action="§" * 90)),
                "own:no_parent": delivery(notification("ADMIN_COMMENT", **own)),
                "own:reply_edited": delivery(
                    notification("COMMENT_EDIT", **own, parentComment=comment_urn(22))
                ),
                "own:removed": delivery(notification("COMMENT_DELETE", **own)),
                "undecorated": delivery(notification(decoratedGeneratedActivity=None)),
                "type:other": {**delivery(notification()), "type": ["x"]},
                "type:page_updates": {**delivery(notification()), "type": "PAGE_UPDATES"},
            },
            malformed={
                "generatedActivity": delivery(
                    notification(generatedActivity=None, decoratedGeneratedActivity=None)
                ),
                "organizationalEntity": delivery(notification(organizationalEntity="urn:li:person:1")),
                "sourcePost": delivery(notification(sourcePost="x" * 1000)),
                "text": delivery(notification(text=["a"])),
                "text_too_long": delivery(notification(text="ä" * 200_000)),
                "owner": delivery(notification(owner=7)),
                "decoratedGeneratedActivity": delivery(notification(decoratedGeneratedActivity=[1])),
                "notification": delivery("x"),
                "notifications": {**delivery(), "notifications": {}},
            },
        )


class TestClient(ClientContract):
    async def test_a_comment_can_be_hidden_shown_and_deleted_once(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        """LinkedIn hides nothing, and says so before anything is sent."""
        comment = page.comment("hello")
        hidden = await client.hide(comment)
        assert isinstance(hidden, NotSent)
        assert hidden.cause is Cause.PERMANENT
        assert await client.delete(comment) == Done()
        again = await client.delete(comment)
        assert isinstance(again, NotSent)
        assert again.cause is Cause.GONE


class TestImpatience(ImpatienceContract):
    pass


class TestActivity(ActivityContract):
    pass


class TestCheck(CheckContract):
    @pytest.fixture
    def stranger(
        self, simulator: Simulator, account: Account, http: httpx.AsyncClient, settings: Settings
    ) -> LinkedInClient:
        return linkedin_client(account, simulator.config.stranger_token, http, settings)


class TestLogin(LoginContract):
    @pytest.fixture
    def login(self, settings: Settings) -> Login:
        return LinkedInLogin(settings)

    @pytest.fixture
    def client_of(
        self, account: Account, http: httpx.AsyncClient, settings: Settings
    ) -> Callable[[Token], PlatformClient]:
        return lambda token: linkedin_client(account, token.access, http, settings)

    async def test_a_code_is_good_for_one_use_and_with_its_verifier_only(
        self, login: Login, http: httpx.AsyncClient
    ) -> None:
        """LinkedIn refuses web apps that send a verifier: the code is protected by the app's secret."""
        code = await _consent(login, http)
        assert await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier=VERIFIER)
        with pytest.raises(AccountStopped):
            await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier=VERIFIER)
        code = await _consent(login, http)
        with pytest.raises(AccountStopped):
            await login.exchange(http, code=code, redirect_uri="http://127.0.0.1:1/", verifier=VERIFIER)
