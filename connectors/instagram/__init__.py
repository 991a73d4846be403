"""Instagram's professional accounts: comments by webhook and by poll, replies through the Graph API."""

from typing import Final

from connectors.instagram.client import instagram_client
from connectors.instagram.login import instagram_login
from connectors.instagram.webhook import instagram_webhook
from connectors.instagram.wording import REPLY_LIMIT
from connectors.platform import Capabilities, Connector
from schemas.events import Platform

CONNECTOR: Final = Connector(
    platform=Platform.INSTAGRAM,
    capabilities=Capabilities(
        reply_limit=REPLY_LIMIT,
        replies_flattened=True,
        edit_notices=False,
        remove_notices=False,
        webhook_setup="In the app's dashboard, under Webhooks > Instagram, enter the address with the word "
        "in PARLEY_INSTAGRAM_VERIFY_TOKEN and subscribe to the fields comments and live_comments.",
    ),
    webhook=instagram_webhook,
    client=instagram_client,
    login=instagram_login,
)
