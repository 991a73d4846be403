"""What a simulated account's webhooks say, and how they are signed.

Source: section 1.4 of the platform contracts. Facebook Login puts changes into an entry, Instagram Login
prints them as the entry itself. Retries as for pages: at once, then ever more rarely over 36 hours.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from connectors.instagram.simulator.config import SimulatorConfig
from connectors.meta.signing import HEADER, signature
from connectors.simulation import Comment, Faults, Notice

_AD: Final = "17900000000009999"


class AccountWire:
    """Implements `connectors.simulation.Wire`."""

    retry_after: Sequence[float] = (0, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 43_200)
    """34 hours in all; the exact times are not documented."""

    def __init__(self, config: SimulatorConfig, faults: Faults) -> None:
        self._config = config
        self._faults = faults

    def body(self, notices: Sequence[Notice]) -> bytes:
        """One entry for each notice."""
        entries = [self._entry(notice) for notice in notices]
        content: Any = {"object": "instagram", "entry": entries}
        if self._faults.strikes("wrapped_delivery"):
            content = [content]
        return json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode("ascii")

    def signed(self, body: bytes, *, rightly: bool = True) -> tuple[str, str]:
        """`X-Hub-Signature-256`."""
        return HEADER, signature(self._config.app_secret if rightly else "not-the-secret", body)

    def notice(self, comment: Comment) -> Notice:
        """A new comment or reply: nothing else is announced."""
        strikes = self._faults.strikes
        value: dict[str, Any] = {"id": comment.id, "text": comment.text}
        if not strikes("sparse_notice"):
            value["from"] = {"id": comment.author_id, "username": comment.author_name}
            value["media"] = {"id": comment.post_id, "media_product_type": "FEED"}
            if comment.parent_id is not None:
                value["parent_id"] = comment.parent_id
            if strikes("ad_notice"):
                value["media"] = {
                    "id": _AD,
                    "media_product_type": "AD",
                    "ad_id": "23840000000000001",
                    "ad_title": "Summer sale",
                    "original_media_id": comment.post_id,
                }
        field = "live_comments" if strikes("live_notice") else "comments"
        own = comment.author_id == self._config.account_id
        return Notice("add", comment.id, {"field": field, "value": value}, int(comment.created), own)

    def _entry(self, notice: Notice) -> dict[str, Any]:
        entry: dict[str, Any] = {"id": self._config.account_id, "time": notice.at}
        if self._config.login == "instagram":
            return {**entry, **notice.value}
        return {**entry, "changes": [notice.value]}
