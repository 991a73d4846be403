"""Facebook pages: comments by webhook, replies through the Graph API."""

from typing import Final

from connectors.facebook.client import REPLY_LIMIT, facebook_client
from connectors.facebook.login import facebook_login
from connectors.facebook.webhook import facebook_webhook
from connectors.platform import Capabilities, Connector
from schemas.events import Platform

CONNECTOR: Final = Connector(
    platform=Platform.FACEBOOK,
    capabilities=Capabilities(
        reply_limit=REPLY_LIMIT,
        replies_flattened=True,
        webhook_setup="In the app's dashboard, under Webhooks > Page, enter the address with the word in "
        "PARLEY_FACEBOOK_VERIFY_TOKEN and subscribe to the field feed.",
    ),
    webhook=facebook_webhook,
    client=facebook_client,
    login=facebook_login,
)
