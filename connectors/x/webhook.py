"""X's webhooks: challenge (CRC), signature, and a delivery's changes. Pure.

Deliveries come in the form of the X Activity API, or of the Account Activity API that it replaces.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.fields import named
from connectors.webhook import Change, HandshakeAnswer, Ignored, MalformedChange
from connectors.x import signing
from connectors.x.legacy import modern
from connectors.x.mapping import from_post
from connectors.x.posts import is_id
from infra.settings import Settings
from schemas.events import CommentEvent, Platform, Source

_CHALLENGE: Final = re.compile(r"[0-9A-Za-z_=+/.-]{1,256}")
"""Any longer alphabet would make the handshake sign deliveries for whoever asks: the key is the same."""

_REFUSED: Final = HandshakeAnswer(status=403, body=b"Forbidden")
_LEGACY: Final = "tweet_create_events"
_COMMENTS: Final = frozenset({"post.create", "post.reply.create", "post.mention.create"})


class XWebhook:
    """Implements `connectors.webhook.Webhook`; without a secret every delivery is refused."""

    platform = Platform.X

    def __init__(self, *, consumer_secret: str | None) -> None:
        self._secret = consumer_secret

    def handshake(self, query: Mapping[str, str]) -> HandshakeAnswer:
        """Signs `crc_token`; X asks when a webhook is made, and again every hour."""
        challenge = query.get("crc_token", "")
        if not self._secret or not _CHALLENGE.fullmatch(challenge):
            return _REFUSED
        token = signing.signature(self._secret, challenge.encode("ascii"))
        body = json.dumps({"response_token": token}).encode("ascii")
        return HandshakeAnswer(status=200, body=body, media_type="application/json")

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """True if `x-twitter-webhooks-signature` signs exactly these bytes."""
        return bool(self._secret) and signing.is_signed(self._secret or "", body, headers.get(signing.HEADER))

    def split(self, payload: object) -> Iterator[Change | Ignored | MalformedChange]:
        """The events of a delivery: one of the X Activity API, or all of the older form's lists."""
        if not isinstance(payload, Mapping):
            yield Ignored("event:other")
        elif "for_user_id" in payload:
            yield from _legacy(payload)
        elif "matching_rules" in payload:
            # A filtered stream's rule, not an account, is what matched: nobody's comments by name.
            yield Ignored("event:matching_rules")
        else:
            data = payload.get("data")
            if not data:
                yield Ignored("event:other")
            for event in data if isinstance(data, list) else [data] if data else ():
                yield _activity(event)

    def map(self, change: Change, account: Account, observed_at: datetime) -> CommentEvent | Ignored:
        """The event of a change; raises MalformedChange."""
        if change.field == _LEGACY:
            post, includes = modern(change.value)
            return from_post(post, includes, account, observed_at, Source.WEBHOOK)
        if change.field not in _COMMENTS:
            return Ignored(named("event", change.field.replace(".", "_")))
        return from_post(
            change.value["payload"],
            change.value.get("includes"),
            account,
            observed_at,
            Source.WEBHOOK,
            concerns_account=change.field == "post.reply.create",
            summons=change.field == "post.mention.create",
        )


def x_webhook(settings: Settings) -> XWebhook:
    """X's webhook with the consumer secret of the settings."""
    secret = settings.x_consumer_secret
    return XWebhook(consumer_secret=secret.get_secret_value() if secret else None)


def _activity(event: Any) -> Change | Ignored | MalformedChange:
    if not isinstance(event, Mapping):
        return MalformedChange("data", f"an event is not an object: {type(event).__name__}", event)
    kind = event.get("event_type")
    if not isinstance(kind, str):
        return Ignored("event:other")
    if kind not in _COMMENTS:
        return Ignored(named("event", kind.replace(".", "_")))
    found = event.get("filter")
    user = found.get("user_id") if isinstance(found, Mapping) else None
    if user is None:
        return Ignored("filter:other")
    if not is_id(user):
        return MalformedChange("filter", "the filter's user_id is not an id", event)
    if not isinstance(event.get("payload"), Mapping):
        return MalformedChange("payload", f"{kind} without payload", event)
    return Change(user, kind, event, None)


def _legacy(payload: Mapping[str, Any]) -> Iterator[Change | Ignored | MalformedChange]:
    user = payload.get("for_user_id")
    if not is_id(user):
        yield MalformedChange("for_user_id", "for_user_id is not an id", payload)
        return
    for name, items in payload.items():
        if not isinstance(name, str) or not name.endswith("_events"):
            continue
        if name != _LEGACY:
            yield Ignored(named("event", name))
        elif not isinstance(items, list):
            yield MalformedChange(name, f"{name} is not a list", payload)
        else:
            for item in items:
                if isinstance(item, Mapping):
                    yield Change(str(user), name, item, None)
                else:
                    yield MalformedChange("tweet", "a tweet is not an object", item)
