"""A simulated account as a test of any platform uses it: what people do there, and what goes wrong."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from connectors.journal import lines
from connectors.simulation import Comment, Simulation
from schemas.events import Platform

FAULTS: Final[Mapping[str, str]] = {
    "created_no_id": "reply_without_id",
    "created_timeout": "created_then_timeout",
    "created_reset": "created_then_reset",
    "created_error": "created_then_error",
    "created_400": "created_then_400",
    "error": "error_before",
    "throttled": "throttle",
    "auth": "expired_token",
    "permission": "missing_permission",
    "duplicate": "duplicate_text",
    "gone": "deleted_before_reply",
}
"""What the suites ask for, by the name that the simulators have for it; every other name is the same."""

CALLED_OTHERWISE: Final[Mapping[tuple[str, str], str]] = {
    (Platform.LINKEDIN, "unsubscribed"): "not_subscribed",
    (Platform.X, "missing_scope"): "read_only",
}


class SimulatedAccount:
    """The account's side of a platform's simulator. Ids are the platform's."""

    def __init__(self, simulator: Simulation) -> None:
        self.simulator = simulator
        self.post_id = next(iter(simulator.world.posts.values())).id

    def comment(self, text: str, **where: str) -> str:
        """Somebody comments; the comment's id. `where` as in `World.add`."""
        return self.simulator.add_comments([{"text": text, **where}])[0]

    def there(self, comment_id: str) -> Comment:
        """The comment, which must be there."""
        found = self.simulator.world.comment(comment_id)
        assert found is not None
        return found

    def remove(self, comment_id: str) -> None:
        """The author deletes it."""
        self.simulator.happenings.remove(self.there(comment_id), by="author")

    def edit(self, comment_id: str, text: str) -> None:
        """The author edits it."""
        self.simulator.happenings.edit(self.there(comment_id), text, by="author")

    def offers(self, what: str) -> bool:
        """True if the platform can show this fault."""
        return self._name(what) in self.simulator.faults.catalogue

    def fault(self, what: str, *, seconds: float = 5.0) -> None:
        """The next call meets this: a name of `FAULTS`, or of the platform's catalogue."""
        self.simulator.faults.set(self._name(what), count=1, seconds=seconds)

    def staff_reply(self, comment_id: str, text: str) -> str:
        """The account's staff answers in the platform's own interface; the reply's id."""
        return self.simulator.happenings.staff_reply(text, comment_id).id

    def replies(self, comment_id: str) -> list[str]:
        """Texts of the account's replies that exist."""
        world = self.simulator.world
        comment = world.comments.get(world.key(comment_id))
        below = [world.comments[key] for key in comment.replies] if comment else []
        return [each.text for each in below if each.author_id == world.account_id and not each.removed]

    def _name(self, what: str) -> str:
        return CALLED_OTHERWISE.get((self.simulator.platform, what)) or FAULTS.get(what, what)


async def settled(simulator: Simulation) -> None:
    """Returns when every notice was accepted or given up."""
    async with asyncio.timeout(60):
        await simulator.deliveries.settled()


def attempts(journal: Path) -> list[dict[str, Any]]:
    """What became of deliveries, in order."""
    return [line for line in lines(journal) if line["kind"] in ("delivery", "given_up")]
