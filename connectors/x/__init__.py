"""X: replies and mentions by webhook and poll, answers through API v2 by tweepy."""

from typing import Final

from connectors.platform import Capabilities, Connector
from connectors.x.client import REPLY_LIMIT, x_client
from connectors.x.login import x_login
from connectors.x.webhook import x_webhook
from schemas.events import Platform
from schemas.lengths import weighted_length

CONNECTOR: Final = Connector(
    platform=Platform.X,
    capabilities=Capabilities(
        reply_limit=REPLY_LIMIT,
        reply_length=weighted_length,
        replies_only_when_mentioned=True,
        edit_notices=False,
        remove_notices=False,
    ),
    webhook=x_webhook,
    client=x_client,
    login=x_login,
)
