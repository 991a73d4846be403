"""What a simulated page's webhooks say, and how they are signed.

Source: "Webhooks - Get Started": non-ASCII text is escaped on the wire and the escaped bytes are signed;
anything but 2xx is retried at once, then ever more rarely over 36 hours.
"""

import itertools
import json
import time
from collections.abc import Sequence
from typing import Any, Final

from connectors.facebook.simulator.config import SimulatorConfig
from connectors.meta.signing import HEADER, signature
from connectors.simulation import Comment, Notice

_MARKUP: Final = (("<", "\\u003C"), ("%", "\\u0025"), ("@", "\\u0040"))


class PageWire:
    """Implements `connectors.simulation.Wire`."""

    retry_after: Sequence[float] = (0, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 43_200)
    """34 hours in all; the exact times are not documented."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config

    def body(self, notices: Sequence[Notice]) -> bytes:
        """One entry for each second of happenings."""
        entries: list[dict[str, Any]] = []
        for at, group in itertools.groupby(notices, key=lambda notice: notice.at):
            changes = [{"field": "feed", "value": notice.value} for notice in group]
            entries.append({"id": self._config.page_id, "time": at, "changes": changes})
        text = json.dumps({"object": "page", "entry": entries}, separators=(",", ":")).replace("/", "\\/")
        if self._config.escape_markup:
            for plain, escaped in _MARKUP:
                text = text.replace(plain, escaped)
        return text.encode("ascii")

    def signed(self, body: bytes, *, rightly: bool = True) -> tuple[str, str]:
        """`X-Hub-Signature-256`."""
        return HEADER, signature(self._config.app_secret if rightly else "not-the-secret", body)

    def notice(self, verb: str, comment: Comment) -> Notice:
        """A change of the subscription `feed`."""
        value: dict[str, Any] = {
            "item": "comment",
            "verb": verb,
            "comment_id": comment.id,
            "post_id": comment.post_id,
            "parent_id": comment.parent_id or comment.post_id,
            "from": {"id": comment.author_id, "name": comment.author_name},
            "created_time": int(comment.created),
        }
        if verb != "remove":
            value["message"] = comment.text
            if comment.photo:
                value["photo"] = comment.photo
        at = int(comment.created if verb == "add" else time.time())
        return Notice(verb, comment.id, value, at, comment.author_id == self._config.page_id)
