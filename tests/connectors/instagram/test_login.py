"""What the two logins differ in: whose page of consent, whose token, and how it is kept."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors.instagram.login import instagram_login
from connectors.instagram.simulator import Simulator
from connectors.logins import Token
from connectors.outcomes import AccountStopped, Cause
from infra.settings import Settings
from schemas.errors import ConfigurationError, TransientError
from schemas.events import utc_now
from tests.connectors.contract import CHALLENGE, REDIRECT, VERIFIER
from tests.connectors.instagram.payloads import ACCOUNT, USERNAME

PAST = Token(access="instagram-token", expires_at=utc_now() + timedelta(days=20), scopes=frozenset({"a"}))


@pytest.mark.parametrize(
    ("login", "host", "scope"),
    [
        ("facebook", "www.facebook.com", "instagram_manage_comments"),
        ("instagram", "www.instagram.com", "instagram_business_manage_comments"),
    ],
)
def test_consent_is_asked_where_the_login_says(login: str, host: str, scope: str) -> None:
    settings = Settings(
        instagram_login=login,
        facebook_app_id="1",
        facebook_app_secret="s",
        instagram_app_id="2",
        instagram_app_secret="s",
    )
    url = instagram_login(settings).authorize_url(redirect_uri=REDIRECT, state="a", challenge=CHALLENGE)
    query = parse_qs(urlsplit(url).query)
    assert urlsplit(url).hostname == host
    assert scope in query["scope"][0].split(",")
    assert query["client_id"] == ["1" if login == "facebook" else "2"]
    assert (query["code_challenge"], query["state"]) == ([CHALLENGE], ["a"])


@pytest.mark.parametrize("login", ["facebook", "instagram"])
def test_an_app_that_is_not_told_is_asked_for(login: str) -> None:
    with pytest.raises(ConfigurationError, match=f"PARLEY_{login.upper()}_APP_ID"):
        instagram_login(Settings(instagram_login=login)).authorize_url(
            redirect_uri=REDIRECT, state="a", challenge=CHALLENGE
        )


@pytest.fixture
def by_instagram(simulator: Simulator) -> Simulator:
    if simulator.config.login != "instagram":
        pytest.skip("page tokens have no end")
    return simulator


@pytest.fixture
def by_page(simulator: Simulator) -> Simulator:
    if simulator.config.login != "facebook":
        pytest.skip("Instagram Login knows no pages")
    return simulator


async def granted(settings: Settings, http: httpx.AsyncClient) -> Token:
    login = instagram_login(settings)
    url = login.authorize_url(redirect_uri=REDIRECT, state="a", challenge=CHALLENGE)
    back = await http.get(url)
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    [account] = await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier=VERIFIER)
    assert (account.account_id, account.username, account.name) == (ACCOUNT, USERNAME, "Parley Shop")
    return account.token


async def test_a_page_without_an_account_is_passed_over_and_its_token_has_no_end(
    by_page: Simulator, settings: Settings, http: httpx.AsyncClient
) -> None:
    token = await granted(settings, http)
    assert (token.access, token.expires_at) == (by_page.config.token, None)
    assert await instagram_login(settings).refresh(http, token) is None


async def test_instagrams_token_lasts_sixty_days_and_is_renewed_from_a_day_old_on(
    by_instagram: Simulator, settings: Settings, http: httpx.AsyncClient
) -> None:
    token = await granted(settings, http)
    assert token.expires_at is not None
    assert timedelta(days=59) < token.expires_at - utc_now() < timedelta(days=61)
    assert token.scopes == {"instagram_business_basic", "instagram_business_manage_comments"}
    assert await instagram_login(settings).refresh(http, token) is None
    fresh = await instagram_login(settings).refresh(http, PAST)
    assert fresh is not None
    assert fresh.access != PAST.access
    assert fresh.scopes == PAST.scopes
    assert fresh.expires_at is not None
    assert fresh.expires_at > utc_now() + timedelta(days=59)


async def test_an_expired_token_is_not_renewed(
    by_instagram: Simulator, settings: Settings, http: httpx.AsyncClient
) -> None:
    by_instagram.faults.set("expired_token", count=1)
    with pytest.raises(AccountStopped) as caught:
        await instagram_login(settings).refresh(http, PAST)
    assert caught.value.cause is Cause.AUTH
    assert PAST.access not in str(caught.value)


async def test_a_login_that_is_not_reached_names_no_secret(
    by_instagram: Simulator, settings: Settings, http: httpx.AsyncClient
) -> None:
    unreachable = settings.model_copy(update={"instagram_graph_url": "http://127.0.0.1:1"})
    with pytest.raises(TransientError) as caught:
        await instagram_login(unreachable).refresh(http, PAST)
    assert PAST.access not in str(caught.value)
    assert caught.value.__cause__ is None
