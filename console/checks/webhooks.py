"""What webhooks of a platform need of the settings; without it the platform's deliveries are refused."""

from typing import Final

from infra.settings import PREFIX, Settings
from schemas.events import Platform

_NEEDED: Final = {
    Platform.FACEBOOK: ("facebook_app_secret", "facebook_verify_token"),
    Platform.X: ("x_consumer_secret",),
    Platform.LINKEDIN: ("linkedin_client_secret",),
}


def lacking(platform: Platform, settings: Settings) -> list[str]:
    """The variables that are not set."""
    return [
        f"{PREFIX}{name.upper()}" for name in _needed(platform, settings) if getattr(settings, name) is None
    ]


def _needed(platform: Platform, settings: Settings) -> tuple[str, ...]:
    if platform is Platform.INSTAGRAM:
        app = settings.instagram_signed_by or settings.instagram_login
        return f"{app}_app_secret", "instagram_verify_token"
    return _NEEDED[platform]
