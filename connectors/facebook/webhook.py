"""Facebook's page webhooks: comments come with the subscription `feed`. Pure."""

from datetime import datetime

from connectors.accounts import Account
from connectors.facebook.mapping import from_webhook
from connectors.meta.webhook import MetaWebhook
from connectors.webhook import Change, Ignored
from infra.settings import Settings
from schemas.events import CommentEvent, Platform


class FacebookWebhook(MetaWebhook):
    """Implements `connectors.webhook.Webhook`."""

    platform = Platform.FACEBOOK
    subscribed_object = "page"
    comment_fields = frozenset({"feed"})

    def map(self, change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
        """The event of a change; raises MalformedChange."""
        return from_webhook(change, account, observed_at)


def facebook_webhook(settings: Settings) -> FacebookWebhook:
    """Facebook's webhook with the app secret and the verify token of the settings."""
    secret, word = settings.facebook_app_secret, settings.facebook_verify_token
    return FacebookWebhook(
        app_secret=secret.get_secret_value() if secret else None,
        verify_token=word.get_secret_value() if word else None,
    )
