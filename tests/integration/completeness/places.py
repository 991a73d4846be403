"""What a run must know of each platform: settings of the processes, the account, how its token dies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from connectors.facebook import simulator as facebook
from connectors.instagram import simulator as instagram
from connectors.linkedin import simulator as linkedin
from connectors.x import simulator as x
from schemas.events import Platform

_FACEBOOK: Final = facebook.SimulatorConfig()
_INSTAGRAM: Final = instagram.SimulatorConfig(login="instagram")
_LINKEDIN: Final = linkedin.SimulatorConfig()
_X: Final = x.SimulatorConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An account on a simulated platform.

    `settings`: environment of the processes, of the simulator's address; `dies`: (fault, count) by which the
    token ends; `paging`: faults of listings; `summons`: goes before a text that is to be answered.
    """

    account_id: str
    username: str | None
    token: str
    settings: Callable[[str], Mapping[str, str]]
    dies: tuple[str, int | None] = ("expired_token", None)
    paging: tuple[str, ...] = ("empty_page",)
    summons: str = ""


PLACES: Final[Mapping[Platform, Place]] = {
    Platform.FACEBOOK: Place(
        account_id=_FACEBOOK.page_id,
        username=None,
        token=_FACEBOOK.page_token,
        settings=lambda url: {
            "PARLEY_FACEBOOK_GRAPH_URL": url,
            "PARLEY_FACEBOOK_LOGIN_URL": url,
            "PARLEY_FACEBOOK_APP_ID": _FACEBOOK.app_id,
            "PARLEY_FACEBOOK_APP_SECRET": "app-secret",
        },
    ),
    Platform.INSTAGRAM: Place(
        account_id=_INSTAGRAM.account_id,
        username=_INSTAGRAM.username,
        token=_INSTAGRAM.token,
        settings=lambda url: {
            "PARLEY_INSTAGRAM_LOGIN": "instagram",
            "PARLEY_INSTAGRAM_GRAPH_URL": url,
            "PARLEY_INSTAGRAM_LOGIN_URL": url,
            "PARLEY_INSTAGRAM_TOKEN_URL": url,
            "PARLEY_INSTAGRAM_APP_ID": _INSTAGRAM.app_id,
            "PARLEY_INSTAGRAM_APP_SECRET": "app-secret",
        },
    ),
    Platform.LINKEDIN: Place(
        account_id=_LINKEDIN.organisation_id,
        username=None,
        token=_LINKEDIN.member_token,
        settings=lambda url: {
            "PARLEY_LINKEDIN_API_URL": url,
            "PARLEY_LINKEDIN_OAUTH_URL": url,
            "PARLEY_LINKEDIN_CLIENT_ID": _LINKEDIN.client_id,
            "PARLEY_LINKEDIN_CLIENT_SECRET": "client-secret",
        },
        dies=("token_dies", 1),
        paging=("empty_page", "no_links"),
    ),
    Platform.X: Place(
        account_id=_X.account_id,
        username=_X.username,
        token=_X.user_token,
        settings=lambda url: {
            "PARLEY_X_API_URL": url,
            "PARLEY_X_LOGIN_URL": f"{url}/i/oauth2/authorize",
            "PARLEY_X_CLIENT_ID": _X.client_id,
            "PARLEY_X_CLIENT_SECRET": "client-secret",
            "PARLEY_X_CONSUMER_SECRET": "consumer-secret",
        },
        summons=f"@{_X.username} ",
    ),
}
"""A new platform is a line here."""
