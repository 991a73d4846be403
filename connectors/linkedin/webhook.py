"""LinkedIn's webhooks: challenge, signature, and a delivery's notifications. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.fields import named
from connectors.linkedin import signing
from connectors.linkedin.fields import time_of
from connectors.linkedin.mapping import from_notification
from connectors.linkedin.urns import organisation_id
from connectors.webhook import Change, HandshakeAnswer, Ignored, MalformedChange
from infra.settings import Settings
from schemas.events import CommentEvent, Platform, utc_now

EVENT_TYPE: Final = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"
_CHALLENGE: Final = re.compile(r"[0-9A-Za-z_-]{1,128}")
_REFUSED: Final = HandshakeAnswer(status=403, body=b"Forbidden")


class LinkedInWebhook:
    """Implements `connectors.webhook.Webhook`; without a secret every delivery is refused."""

    platform = Platform.LINKEDIN

    def __init__(self, *, client_secret: str | None) -> None:
        self._client_secret = client_secret

    def handshake(self, query: Mapping[str, str]) -> HandshakeAnswer:
        """Signs `challengeCode`; asked every two hours, three answers later than 3 s block the address."""
        challenge = query.get("challengeCode", "")
        if not self._client_secret or not _CHALLENGE.fullmatch(challenge):
            return _REFUSED
        answer = {
            "challengeCode": challenge,
            "challengeResponse": signing.challenge_response(self._client_secret, challenge),
        }
        return HandshakeAnswer(status=200, body=json.dumps(answer).encode(), media_type="application/json")

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """True if `X-LI-Signature` signs exactly these bytes."""
        return bool(self._client_secret) and signing.is_signed(
            self._client_secret or "", body, headers.get(signing.HEADER)
        )

    def split(self, payload: object) -> Iterator[Change | Ignored | MalformedChange]:
        """The notifications of a delivery (LinkedIn sends up to 10), in order, each `notificationId` once.

        What is delivered again in another batch gives the same events, which is known by their ids.
        """
        if not isinstance(payload, Mapping) or payload.get("type") != EVENT_TYPE:
            kind = payload.get("type") if isinstance(payload, Mapping) else None
            yield Ignored(named("type", kind.lower() if isinstance(kind, str) else None))
            return
        notifications = payload.get("notifications")
        if not isinstance(notifications, list):
            yield MalformedChange("notifications", "notifications is not a list", payload)
            return
        now = utc_now()
        seen: set[str] = set()
        for item in notifications:
            key = str(item.get("notificationId")) if isinstance(item, Mapping) else None
            if key is not None and key != "None" and key in seen:
                yield Ignored("notification:repeated")
                continue
            seen.add(key or "None")
            yield change_of(item, now)

    def map(self, change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
        """The event of a notification; raises MalformedChange."""
        return from_notification(change, account, observed_at)


def change_of(item: Any, now: datetime) -> Change | MalformedChange:
    """One notification, from a delivery or from a pull, as a change of its organisation."""
    if not isinstance(item, Mapping):
        return MalformedChange("notification", f"a notification is a {type(item).__name__}", item)
    account_id = organisation_id(item.get("organizationalEntity"))
    if account_id is None:
        return MalformedChange("organizationalEntity", "a notification without its organisation", item)
    return Change(account_id, EVENT_TYPE, item, time_of(item.get("lastModifiedAt"), now))


def linkedin_webhook(settings: Settings) -> LinkedInWebhook:
    """LinkedIn's webhook with the client secret of the settings."""
    secret = settings.linkedin_client_secret
    return LinkedInWebhook(client_secret=secret.get_secret_value() if secret else None)
