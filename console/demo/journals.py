"""What the simulated platforms saw and did in a run, from their journals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from connectors.journal import Counting, Tally, lines
from console.demo.platforms import SimulatedAccount
from schemas.events import Platform

_OF_THE_PLATFORM: Final = frozenset({"comment", "delivery", "given_up", "challenge"})


class Journals:
    """The journals of one run, all in `folder`."""

    def __init__(self, folder: Path, accounts: Sequence[SimulatedAccount]) -> None:
        self._counting = {each.platform: Counting(each.journal(folder)) for each in accounts}
        self._paths = [each.journal(folder) for each in accounts]

    def update(self) -> Mapping[Platform, Tally]:
        """Counted by platform, as far as they are on file by now."""
        return {platform: counting.update() for platform, counting in self._counting.items()}

    def requests(self) -> int:
        """What was asked of the platforms by now, whatever came of it; their own doings are not counted."""
        return sum(line["kind"] not in _OF_THE_PLATFORM for path in self._paths for line in lines(path))
