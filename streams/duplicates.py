"""Duplicates stopped before expensive work: a bounded memory of recent ids, then one look-up for a batch.

This saves cost only; correctness rests on unique keys. So it fails open: what cannot be looked up is new.
Ids are remembered after their offsets were committed, never before, or a crash would lose a record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from infra import logs

log = logs.get(__name__)

LookUp = Callable[[Sequence[str]], Awaitable[Collection[str]]]
"""Takes ids, gives those whose work is already stored."""


class Duplicates:
    """Remembers the last `size` ids; asks `look_up` about the others, for `patience` seconds at most."""

    def __init__(self, *, size: int = 100_000, look_up: LookUp | None = None, patience: float = 1.0) -> None:
        self._size = size
        self._look_up = look_up
        self._patience = patience
        self._recent: dict[str, None] = {}  # in order of age

    async def known(self, ids: Sequence[str]) -> Collection[str]:
        """Those of `ids` that were done before; never raises."""
        found = {each for each in ids if each in self._recent}
        asked = [each for each in dict.fromkeys(ids) if each not in found]
        if self._look_up is None or not asked:
            return found
        try:
            async with asyncio.timeout(self._patience):
                return found | set(await self._look_up(asked))
        except Exception as error:  # noqa: BLE001 - whatever fails, the records are taken as new
            log.warning("duplicates not looked up", error=f"{type(error).__name__}: {error}")
            return found

    def remember(self, ids: Iterable[str | None]) -> None:
        """These are done."""
        for each in ids:
            if each is not None:
                self._recent.pop(each, None)
                self._recent[each] = None
        while len(self._recent) > self._size:
            del self._recent[next(iter(self._recent))]
