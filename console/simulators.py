"""`parley simulate PLATFORM`: the simulated platforms by name. A new one is a function and a line here."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from connectors.facebook import simulator as facebook
from connectors.instagram import simulator as instagram
from connectors.linkedin import simulator as linkedin
from connectors.simulation import Simulation
from connectors.x import simulator as x
from infra import logs
from infra.settings import Settings
from schemas.events import Platform

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says of a simulator."""

    callback: str | None
    journal: Path | None
    scale: float


Made = tuple[Simulation, Mapping[str, object]]
"""A simulator, and what whoever started it must know: the account, its token."""


def _facebook(settings: Settings, wanted: Wanted) -> Made:
    config = facebook.SimulatorConfig(**_common(wanted), **_signed(settings.facebook_app_secret))
    return facebook.Simulator(config), {"page": config.page_id, "token": config.page_token}


def _instagram(settings: Settings, wanted: Wanted) -> Made:
    login = settings.instagram_login
    secret = settings.facebook_app_secret if login == "facebook" else settings.instagram_app_secret
    config = instagram.SimulatorConfig(login=login, **_common(wanted), **_signed(secret))
    return instagram.Simulator(config), {"account": config.account_id, "token": config.token}


def _linkedin(settings: Settings, wanted: Wanted) -> Made:
    app: dict[str, Any] = {}
    if settings.linkedin_client_id:
        app["client_id"] = settings.linkedin_client_id
    if settings.linkedin_client_secret:
        app["client_secret"] = settings.linkedin_client_secret.get_secret_value()
    config = linkedin.SimulatorConfig(**_common(wanted), **app)
    return linkedin.Simulator(config), {"organisation": config.organisation_id, "token": config.member_token}


def _x(settings: Settings, wanted: Wanted) -> Made:
    app: dict[str, Any] = {"field_names": settings.x_field_names}
    for name in ("consumer_secret", "client_secret", "bearer_token"):
        secret: SecretStr | None = getattr(settings, f"x_{name}")
        if secret:
            app["app_token" if name == "bearer_token" else name] = secret.get_secret_value()
    if settings.x_client_id:
        app["client_id"] = settings.x_client_id
    config = x.SimulatorConfig(**_common(wanted), **app)
    return x.Simulator(config), {"account": config.account_id, "token": config.user_token}


SIMULATORS: Final[Mapping[str, Callable[[Settings, Wanted], Made]]] = {
    Platform.FACEBOOK: _facebook,
    Platform.INSTAGRAM: _instagram,
    Platform.LINKEDIN: _linkedin,
    Platform.X: _x,
}


async def run(platform: str, settings: Settings, wanted: Wanted, port: int) -> None:
    """Runs a platform's simulator until SIGINT or SIGTERM."""
    simulation, told = SIMULATORS[platform](settings, wanted)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with simulation.serving(port=port) as url:
        log.info("simulating", platform=platform, url=url, **told, scale=wanted.scale)
        await stopped.wait()


def _common(wanted: Wanted) -> dict[str, Any]:
    return {"callback_url": wanted.callback, "journal": wanted.journal, "scale": wanted.scale}


def _signed(secret: SecretStr | None) -> dict[str, Any]:
    """The app's secret, where it is set."""
    return {"app_secret": secret.get_secret_value()} if secret else {}
