"""The simulated accounts of the demo, one a platform: who they are, where they are, by which secrets."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from connectors.catalogue import CONNECTORS
from connectors.facebook import simulator as facebook
from connectors.instagram import simulator as instagram
from connectors.language_model import simulator as language_model
from connectors.linkedin import simulator as linkedin
from connectors.x import simulator as x
from console.simulators import MANY, journal_of
from replies.account import AccountView, Mode
from schemas.events import Platform

WITHOUT_MODEL: Final[Mapping[str, str]] = {"PARLEY_LANGUAGE_MODEL_URL": "", "PARLEY_LANGUAGE_MODEL_KEY": ""}
"""Settings by which templates alone draft."""

_MENTIONED: Final = 10
"""Of so many comments on X all but one name the account: it may not reply to others."""

_X_REPLIES: Final = 6.0
"""Replies a minute that X bears of one account: 100 in 15 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAccount:
    """One account; `url` is its simulator's.

    `share`: how many of ten comments are on its platform. `replies_per_minute`: the most that the platform
    bears, in life, where that is less than Parley's default.
    """

    platform: Platform
    account_id: str
    token: str
    url: str
    share: int
    username: str | None = None
    replies_per_minute: float | None = None

    def view(self, tenant: str) -> AccountView:
        """The account as Parley keeps it."""
        return AccountView(
            tenant_id=tenant,
            platform=self.platform,
            account_id=self.account_id,
            name="Café Lumbre",
            brand_name="Café Lumbre",
            mode=Mode.AUTO,
            only_when_mentioned=CONNECTORS[self.platform].capabilities.replies_only_when_mentioned,
            default_language="es",
        )

    def comment(self, text: str, number: int) -> dict[str, str]:
        """The `number`-th comment of this account's, as `POST /sim/comments` takes it."""
        if self.platform is Platform.X and number % _MENTIONED:
            text = f"@{self.username} {text}"
        return {"text": text}

    async def add(self, http: httpx.AsyncClient, comments: Sequence[Mapping[str, str]]) -> None:
        """People comment; each comment as `POST /sim/comments` takes it."""
        # Escaped by json.dumps: a lone surrogate in a text has no UTF-8 form.
        content = json.dumps({"comments": list(comments)})
        (await http.post(f"{self.url}/sim/comments", content=content)).raise_for_status()

    def journal(self, folder: Path) -> Path:
        """What its simulator saw and did."""
        return journal_of(folder, self.platform)


def accounts(port: int) -> tuple[SimulatedAccount, ...]:
    """The accounts of `parley simulate all --port PORT`."""
    on_facebook, on_instagram = facebook.SimulatorConfig(), instagram.SimulatorConfig()
    on_linkedin, on_x = linkedin.SimulatorConfig(), x.SimulatorConfig()
    url = {name: f"http://127.0.0.1:{port + number}" for number, name in enumerate(MANY)}
    return (
        SimulatedAccount(
            platform=Platform.FACEBOOK,
            account_id=on_facebook.page_id,
            token=on_facebook.page_token,
            url=url[Platform.FACEBOOK],
            share=4,
        ),
        SimulatedAccount(
            platform=Platform.INSTAGRAM,
            account_id=on_instagram.account_id,
            token=on_instagram.token,
            url=url[Platform.INSTAGRAM],
            share=3,
            username=on_instagram.username,
        ),
        SimulatedAccount(
            platform=Platform.X,
            account_id=on_x.account_id,
            token=on_x.user_token,
            url=url[Platform.X],
            share=1,
            username=on_x.username,
            replies_per_minute=_X_REPLIES,
        ),
        SimulatedAccount(
            platform=Platform.LINKEDIN,
            account_id=on_linkedin.organisation_id,
            token=on_linkedin.member_token,
            url=url[Platform.LINKEDIN],
            share=2,
        ),
    )


def environment(port: int) -> Mapping[str, str]:
    """Settings by which Parley takes these simulators for the platforms and for the language model.

    What a person may have set for real ones is emptied: the demo must reach nobody.
    """
    url = {name: f"http://127.0.0.1:{port + number}" for number, name in enumerate(MANY)}
    on_facebook, on_linkedin = facebook.SimulatorConfig(), linkedin.SimulatorConfig()
    on_x, model = x.SimulatorConfig(), language_model.SimulatorConfig()
    return {
        "PARLEY_FACEBOOK_GRAPH_URL": url[Platform.FACEBOOK],
        "PARLEY_FACEBOOK_APP_ID": on_facebook.app_id,
        "PARLEY_FACEBOOK_APP_SECRET": secrets.token_hex(16),
        "PARLEY_FACEBOOK_VERIFY_TOKEN": secrets.token_hex(8),
        "PARLEY_INSTAGRAM_LOGIN": "facebook",
        "PARLEY_INSTAGRAM_SIGNED_BY": "",
        "PARLEY_INSTAGRAM_GRAPH_URL": url[Platform.INSTAGRAM],
        "PARLEY_INSTAGRAM_VERIFY_TOKEN": secrets.token_hex(8),
        "PARLEY_X_API_URL": url[Platform.X],
        "PARLEY_X_CONSUMER_SECRET": secrets.token_hex(16),
        "PARLEY_X_CLIENT_ID": on_x.client_id,
        "PARLEY_X_CLIENT_SECRET": secrets.token_hex(16),
        "PARLEY_X_BEARER_TOKEN": secrets.token_hex(16),
        "PARLEY_LINKEDIN_API_URL": url[Platform.LINKEDIN],
        "PARLEY_LINKEDIN_OAUTH_URL": url[Platform.LINKEDIN],
        "PARLEY_LINKEDIN_CLIENT_ID": on_linkedin.client_id,
        "PARLEY_LINKEDIN_CLIENT_SECRET": secrets.token_hex(16),
        "PARLEY_LANGUAGE_MODEL_URL": f"http://127.0.0.1:{port + len(MANY)}/v1",
        "PARLEY_LANGUAGE_MODEL_KEY": model.key,
        "PARLEY_LANGUAGE_MODEL_NAME": model.model,
        "PARLEY_HTTP_PROXY": "",
        "PARLEY_NOTIFY_WEBHOOK_URL": "",
        "PARLEY_SMTP_URL": "",
    }
