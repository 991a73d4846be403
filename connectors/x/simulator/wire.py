"""What the simulated X's webhooks say, and how they are signed; the challenge (CRC) that it makes.

Source: section 4.7 of the platform contracts, "X Activity API event payloads"; an answer other than 2xx is
tried again for up to 28 hours, at times that are not documented.
"""

import base64
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

import httpx

from connectors.simulation import Comment, Notice
from connectors.x.signing import HEADER, signature
from connectors.x.simulator.config import SimulatorConfig
from connectors.x.simulator.rendering import includes_json, legacy_json, post_json, summons
from connectors.x.simulator.world import XWorld

_FIELDS: Final = frozenset(
    {
        "attachments",
        "author_id",
        "conversation_id",
        "created_at",
        "display_text_range",
        "entities",
        "in_reply_to_user_id",
        "note_tweet",
        "public_metrics",
        "referenced_tweets",
        "user.public_metrics",
    }
)


class XWire:
    """Implements `connectors.simulation.Wire`."""

    retry_after: Sequence[float] = (0, 60, 600, 3600, 10_800, 21_600, 28_800, 32_400)

    def __init__(self, config: SimulatorConfig, world: XWorld) -> None:
        self._config = config
        self._world = world

    def body(self, notices: Sequence[Notice]) -> bytes:
        """One event, or a list of posts in the older form."""
        if self._config.legacy_webhooks:
            content: dict[str, Any] = {
                "for_user_id": self._config.account_id,
                "user_has_blocked": "false",
                "tweet_create_events": [notice.value for notice in notices],
            }
        elif len(notices) == 1:
            content = {"data": notices[0].value}
        else:
            content = {"data": [notice.value for notice in notices]}
        return json.dumps(content, separators=(",", ":")).encode("ascii")

    def signed(self, body: bytes, *, rightly: bool = True) -> tuple[str, str]:
        """`x-twitter-webhooks-signature`."""
        return HEADER, signature(self._config.consumer_secret if rightly else "not-the-secret", body)

    def notice(self, verb: str, comment: Comment) -> Notice | None:
        """New posts, own ones among them; of removals X tells only the account's own, of hides nothing."""
        own = comment.author_id == self._config.account_id
        if verb == "edited" and not self._config.announce_edits:
            return None
        if verb not in ("add", "edited") or (verb == "edited" and own):
            return None
        at = int(comment.created if verb == "add" else time.time())
        world = self._world
        wording = world.wordings(comment)[-1]
        if self._config.legacy_webhooks:
            return Notice(verb, comment.id, legacy_json(world, comment), at, own)
        mentioned = summons(world, comment)
        kind = "post.create" if own else "post.mention.create" if mentioned else "post.reply.create"
        value = {
            "event_uuid": wording.id,
            "filter": {"user_id": self._config.account_id},
            "event_type": kind,
            "tag": "parley",
            "payload": post_json(
                world, comment, wording, _FIELDS, renamed=self._config.field_names == "post"
            ),
            "includes": includes_json(world, [comment], _FIELDS, renamed=self._config.field_names == "post"),
        }
        return Notice(verb, comment.id, value, at, own)


async def challenge(url: str, consumer_secret: str, *, timeout: float = 10.0) -> bool:
    """Whether the address passes the challenge: it signs a token, within ten seconds."""
    token = base64.b64encode(secrets.token_bytes(24)).decode("ascii")
    try:
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as http:
            answer = await http.get(url, params={"crc_token": token})
            content = answer.json()
    except (httpx.HTTPError, ValueError):
        return False
    expected = {"response_token": signature(consumer_secret, token.encode("ascii"))}
    return answer.status_code == 200 and content == expected
