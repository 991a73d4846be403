"""Meta's webhooks: handshake, signature, and a delivery's entries. Pure.

Source: "Webhooks - Get Started". Facebook and Instagram add what their changes mean.
"""

import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from connectors.fields import moment, named, platform_id
from connectors.meta import signing
from connectors.webhook import Change, HandshakeAnswer, Ignored, MalformedChange
from schemas.events import Platform, utc_now

_CHALLENGE: Final = re.compile(r"[0-9A-Za-z_-]{1,128}")
_REFUSED: Final = HandshakeAnswer(status=403, body=b"Forbidden")


class MetaWebhook:
    """All of `connectors.webhook.Webhook` but `map`; without a secret every delivery is refused.

    `subscribed_object`: the `object` of deliveries; `comment_fields`: subscriptions whose changes always
    have a value.
    """

    platform: Platform
    subscribed_object: ClassVar[str]
    comment_fields: ClassVar[frozenset[str]]

    def __init__(self, *, app_secret: str | None, verify_token: str | None) -> None:
        self._app_secret = app_secret
        self._verify_token = verify_token

    def handshake(self, query: Mapping[str, str]) -> HandshakeAnswer:
        """Echoes `hub.challenge` if `hub.verify_token` is the word agreed upon."""
        given = query.get("hub.verify_token", "").encode("utf-8", "replace")
        challenge = query.get("hub.challenge", "")
        if (
            not self._verify_token
            or not hmac.compare_digest(given, self._verify_token.encode())
            or query.get("hub.mode") != "subscribe"
            or not _CHALLENGE.fullmatch(challenge)
        ):
            return _REFUSED
        return HandshakeAnswer(status=200, body=challenge.encode())

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """True if `X-Hub-Signature-256` signs exactly these bytes; the older SHA-1 header is ignored."""
        return bool(self._app_secret) and signing.is_signed(
            self._app_secret or "", body, headers.get(signing.HEADER)
        )

    def split(self, payload: object) -> Iterator[Change | Ignored | MalformedChange]:
        """The changes of every entry, in order (up to 1000 in a delivery)."""
        if not isinstance(payload, Mapping) or payload.get("object") != self.subscribed_object:
            yield Ignored(named("object", payload.get("object") if isinstance(payload, Mapping) else None))
            return
        entries = payload.get("entry")
        if not isinstance(entries, list):
            yield MalformedChange("entry", "entry is not a list", payload)
            return
        now = utc_now()
        for entry in entries:
            try:
                yield from self._of_entry(entry, now)
            except MalformedChange as error:
                error.raw = entry
                yield error

    def _of_entry(self, entry: Any, now: datetime) -> Iterator[Change | Ignored | MalformedChange]:
        if not isinstance(entry, Mapping):
            raise MalformedChange("entry", f"an entry is not an object: {type(entry).__name__}")
        account_id = platform_id(entry, "id")
        if account_id is None:
            raise MalformedChange("entry_id", "an entry without id")
        changes = self.changes_of(entry)
        if changes is None:
            yield Ignored("entry:messaging" if "messaging" in entry else "entry:other")
            return
        if not isinstance(changes, list):
            raise MalformedChange("changes", "changes is not a list")
        sent_at = moment(entry.get("time"), now)
        for item in changes:
            if not isinstance(item, Mapping) or not isinstance(item.get("field"), str):
                yield MalformedChange("change", "a change is not an object with a field", item)
            elif not isinstance(item.get("value"), Mapping):
                # Other subscriptions send bare notices; of a comment there is always a value.
                if item["field"] in self.comment_fields:
                    yield MalformedChange("value", f"a change of {item['field']} without value", item)
                else:
                    yield Ignored(named("field", item["field"]))
            else:
                yield Change(account_id, item["field"], item["value"], sent_at)

    def changes_of(self, entry: Mapping[str, Any]) -> Any:
        """What an entry holds as its list of changes; None if it has none."""
        return entry.get("changes")
