"""Instagram's webhooks: comments come with the subscriptions `comments` and `live_comments`. Pure.

Met in Meta's documentation, all accepted: `changes` in an entry (Facebook Login), `field` and `value` in the
entry itself (Instagram Login), and the whole delivery wrapped in a list.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.accounts import Account
from connectors.instagram.access import signing_secret
from connectors.instagram.mapping import COMMENT_FIELDS, from_webhook
from connectors.meta.webhook import MetaWebhook
from connectors.webhook import Change, Ignored, MalformedChange
from infra.settings import Settings
from schemas.events import CommentEvent, Platform


class InstagramWebhook(MetaWebhook):
    """Implements `connectors.webhook.Webhook`."""

    platform = Platform.INSTAGRAM
    subscribed_object = "instagram"
    comment_fields = COMMENT_FIELDS

    def split(self, payload: object) -> Iterator[Change | Ignored | MalformedChange]:
        """The changes of every entry, in order; of every delivery where they come as a list."""
        for delivery in payload if isinstance(payload, list) else [payload]:
            yield from super().split(delivery)

    def changes_of(self, entry: Mapping[str, Any]) -> Any:
        """`changes`, or the entry's own `field` and `value` as the only one."""
        if "changes" not in entry and "field" in entry:
            return [{"field": entry["field"], "value": entry.get("value")}]
        return super().changes_of(entry)

    def map(self, change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
        """The event of a change; raises MalformedChange."""
        return from_webhook(change, account, observed_at)


def instagram_webhook(settings: Settings) -> InstagramWebhook:
    """Instagram's webhook with the secret that signs it and the verify token of the settings."""
    word = settings.instagram_verify_token
    return InstagramWebhook(
        app_secret=signing_secret(settings),
        verify_token=word.get_secret_value() if word else None,
    )
