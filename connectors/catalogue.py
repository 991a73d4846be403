"""The platforms Parley speaks to. A new one is a folder and a line here."""

from collections.abc import Mapping
from typing import Final

from connectors import facebook, instagram, linkedin, x
from connectors.platform import Connector
from connectors.webhook import Webhook
from infra.settings import Settings
from schemas.events import Platform

CONNECTORS: Final[Mapping[Platform, Connector]] = {
    connector.platform: connector
    for connector in (facebook.CONNECTOR, instagram.CONNECTOR, linkedin.CONNECTOR, x.CONNECTOR)
}


def webhooks(settings: Settings) -> dict[Platform, Webhook]:
    """The webhook of every platform; one without a secret refuses what it is sent."""
    return {platform: connector.webhook(settings) for platform, connector in CONNECTORS.items()}
