"""`parley simulate PLATFORM|all`: simulated platforms by name. A new one is a function and a line here."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from connectors.facebook import simulator as facebook
from connectors.instagram import simulator as instagram
from connectors.language_model import simulator as language_model
from connectors.linkedin import simulator as linkedin
from connectors.simulation import Simulation
from connectors.x import simulator as x
from infra import logs
from infra.settings import Settings
from schemas.events import Platform

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says of a simulator.

    Of all at once `callback` is where `parley serve` is, and `journal` a folder.
    """

    callback: str | None
    journal: Path | None
    scale: float


Made = tuple[Simulation, Mapping[str, object]]
"""A simulator, and what whoever started it must know: the account, its token."""


def _facebook(settings: Settings, wanted: Wanted) -> Made:
    app = _app(settings.facebook_app_id, settings.facebook_app_secret)
    config = facebook.SimulatorConfig(**_common(wanted), **app)
    return facebook.Simulator(config), {"page": config.page_id, "token": config.page_token}


def _instagram(settings: Settings, wanted: Wanted) -> Made:
    login = settings.instagram_login
    app = (
        _app(settings.facebook_app_id, settings.facebook_app_secret)
        if login == "facebook"
        else _app(settings.instagram_app_id, settings.instagram_app_secret)
    )
    config = instagram.SimulatorConfig(login=login, **_common(wanted), **app)
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
    told = {"account": config.account_id, "username": config.username, "token": config.user_token}
    return x.Simulator(config), told


SIMULATORS: Final[Mapping[str, Callable[[Settings, Wanted], Made]]] = {
    Platform.FACEBOOK: _facebook,
    Platform.INSTAGRAM: _instagram,
    Platform.LINKEDIN: _linkedin,
    Platform.X: _x,
}
MANY: Final = tuple(SIMULATORS)
"""The order of the ports of `parley simulate all`; the language model's is the one after them."""


async def run(platform: str, settings: Settings, wanted: Wanted, port: int) -> None:
    """Runs a platform's simulator until SIGINT or SIGTERM."""
    stopped = _told_to_stop()
    async with _serving(platform, settings, wanted, port):
        await stopped.wait()


async def run_all(settings: Settings, wanted: Wanted, port: int) -> None:
    """Runs every platform, and a language model as slow as in life, on one port after the other."""
    stopped = _told_to_stop()
    async with contextlib.AsyncExitStack() as stack:
        for number, platform in enumerate(MANY):
            one = Wanted(
                callback=f"{wanted.callback}/webhooks/{platform}" if wanted.callback else None,
                journal=journal_of(wanted.journal, platform) if wanted.journal else None,
                scale=wanted.scale,
            )
            await stack.enter_async_context(_serving(platform, settings, one, port + number))
        journal = journal_of(wanted.journal, "openai") if wanted.journal else None
        model = language_model.SimulatorConfig(journal=journal)
        url = await stack.enter_async_context(language_model.Simulator(model).serving(port=port + len(MANY)))
        log.info("simulating", platform="openai", url=url, key=model.key, model=model.model)
        await stopped.wait()


def journal_of(folder: Path, platform: str) -> Path:
    """A simulator's journal among those of `parley simulate all`."""
    return folder / f"{platform}.jsonl"


@contextlib.asynccontextmanager
async def _serving(platform: str, settings: Settings, wanted: Wanted, port: int) -> AsyncIterator[None]:
    simulation, told = SIMULATORS[platform](settings, wanted)
    async with simulation.serving(port=port) as url:
        log.info("simulating", platform=platform, url=url, **told, scale=wanted.scale)
        yield


def _told_to_stop() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def _common(wanted: Wanted) -> dict[str, Any]:
    return {"callback_url": wanted.callback, "journal": wanted.journal, "scale": wanted.scale}


def _app(app_id: str | None, secret: SecretStr | None) -> dict[str, Any]:
    """The app's id and secret, as far as they are set."""
    known = {"app_id": app_id, "app_secret": secret.get_secret_value() if secret else None}
    return {name: value for name, value in known.items() if value}
