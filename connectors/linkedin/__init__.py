"""LinkedIn organisations: comments by webhook and poll, replies through the Community Management API."""

from typing import Final

from connectors.linkedin.client import REPLY_LIMIT, linkedin_client
from connectors.linkedin.login import LinkedInLogin
from connectors.linkedin.webhook import linkedin_webhook
from connectors.platform import Capabilities, Connector
from schemas.events import Platform

CONNECTOR: Final = Connector(
    platform=Platform.LINKEDIN,
    capabilities=Capabilities(
        reply_limit=REPLY_LIMIT,
        replies_flattened=True,
        may_hide=False,
        webhook_setup="In the app's settings register the address as a webhook and verify it; apps of the "
        "development tier have no webhooks.",
    ),
    webhook=linkedin_webhook,
    client=linkedin_client,
    login=LinkedInLogin,
)
