"""Order in a window of records in flight. Pure: no clock, no I/O."""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class _Entry:
    __slots__ = ("done", "offset")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.done = False


class Prefix(Generic[P]):
    """How far each partition is finished without a gap.

    Records enter in delivered order (`begin`) and finish in any (`finish`). Offsets need not be consecutive:
    compacted and transactional topics have holes.
    """

    def __init__(self) -> None:
        self._open: dict[P, deque[_Entry]] = {}
        self._entries: dict[tuple[P, int], _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self, partition: P, offset: int) -> None:
        """A record was taken up; raises ValueError if it already is in flight."""
        if (partition, offset) in self._entries:
            raise ValueError(f"offset {offset} of {partition} is already in flight")
        entry = self._entries[partition, offset] = _Entry(offset)
        self._open.setdefault(partition, deque()).append(entry)

    def finish(self, partition: P, offset: int) -> int | None:
        """A record is done; gives the next offset to read if the finished prefix has grown, else None."""
        self._entries.pop((partition, offset)).done = True
        entries = self._open[partition]
        position = None
        while entries and entries[0].done:
            position = entries.popleft().offset + 1
        return position

    def clear(self) -> None:
        """Forget everything in flight."""
        self._open.clear()
        self._entries.clear()
