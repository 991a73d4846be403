"""What a simulated organisation's webhooks say, and how they are signed.

Source: section 5.5 of the platform contracts. That a notice of a deletion has no decorations, and that one of
a reply names its parent, is not documented: the first is so here always, the second unless a fault strikes.
"""

import itertools
import json
import time
from collections.abc import Sequence
from typing import Any, Final

from connectors.linkedin.signing import HEADER, signature
from connectors.linkedin.simulator.config import SimulatorConfig
from connectors.linkedin.simulator.world import OrganisationWorld, activity_of
from connectors.linkedin.urns import organisation_urn
from connectors.linkedin.webhook import EVENT_TYPE
from connectors.simulation import Comment, Faults, Notice

_ACTIONS: Final = {"add": "COMMENT", "edited": "COMMENT_EDIT", "remove": "COMMENT_DELETE"}
SUBSCRIBER: Final = "urn:li:person:admin"


class NotificationWire:
    """Implements `connectors.simulation.Wire`; keeps every notification, as LinkedIn does for 60 days."""

    retry_after: Sequence[float] = (300.0,) * 96
    """Every five minutes for eight hours."""

    def __init__(self, config: SimulatorConfig, faults: Faults) -> None:
        self._config = config
        self._faults = faults
        self._numbers = itertools.count(time.time_ns() // 1_000_000)
        self.kept: list[dict[str, Any]] = []

    def body(self, notices: Sequence[Notice]) -> bytes:
        """Up to ten notifications of one event type."""
        content = {"type": EVENT_TYPE, "notifications": [notice.value for notice in notices]}
        return json.dumps(content, separators=(",", ":")).encode("ascii")

    def signed(self, body: bytes, *, rightly: bool = True) -> tuple[str, str]:
        """`X-LI-Signature`."""
        return HEADER, signature(self._config.client_secret if rightly else "not-the-secret", body)

    def notice(self, verb: str, comment: Comment, world: OrganisationWorld) -> Notice | None:
        """A notification; None for what LinkedIn tells nobody."""
        if verb not in _ACTIONS:
            return None
        own = comment.author_id == world.account_id
        post = world.posts[world.key(comment.post_id)]
        at = time.time() if verb == "remove" else comment.edited or comment.created
        value: dict[str, Any] = {
            "notificationId": next(self._numbers),
            "organizationalEntity": organisation_urn(self._config.organisation_id),
            "action": "ADMIN_COMMENT" if own and verb == "add" else _ACTIONS[verb],
            "subscriber": SUBSCRIBER,
            "lastModifiedAt": int(at * 1000),
            "sourcePost": activity_of(post),
            "generatedActivity": comment.id.replace("(urn:li:", "("),
        }
        if verb != "remove" and not self._faults.strikes("undecorated"):
            about = {
                "owner": comment.author_id,
                "text": comment.text,
                "entity": comment.id,
                "object": activity_of(post),
            }
            if comment.parent_id is not None and not self._faults.strikes("parent_missing"):
                about["parentComment"] = comment.parent_id
            value["decoratedSourcePost"] = {
                "owner": world.account_id,
                "mediaCategory": "NONE",
                "text": post.text,
                "entity": post.id,
            }
            value["decoratedGeneratedActivity"] = {"comment": about}
        self.kept.append(value)
        return Notice(verb, comment.id, value, int(at), own)
