"""How far listings have been read, so that a look that was broken off goes on there. No I/O.

A listing has a name; one that hangs below an item of another is named `outer>inner`, and is forgotten when
the other goes on to its next page. What is kept are the platform's cursors, good for a while only: where one
is refused, its listing begins at its first page again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_BELOW: Final = ">"


class Marks:
    """The marks of one look; `state` is what is stored: each listing's cursor, None where it was read."""

    def __init__(self, state: Mapping[str, str | None] | None = None) -> None:
        self._at = dict(state or {})

    @property
    def state(self) -> dict[str, str | None]:
        """A copy, for JSON."""
        return dict(self._at)

    def is_done(self, name: str) -> bool:
        """True if the listing was read to its end."""
        return name in self._at and self._at[name] is None

    def done(self, name: str) -> None:
        """The listing was read to its end, and all that hangs below its items."""
        self._set(name, None)

    def outer(self, name: str) -> "Mark":
        """The mark of a listing that others hang below: it goes on with the page that was not read whole."""
        return Mark(self, name, overlap=False)

    def leaf(self, name: str) -> "Mark":
        """The mark of any other listing: it goes on with the page before, for what follows moves up into that
        when something is deleted meanwhile.
        """
        return Mark(self, name, overlap=True)

    def _set(self, name: str, cursor: str | None) -> None:
        below = f"{name}{_BELOW}"
        self._at = {key: value for key, value in self._at.items() if not key.startswith(below)}
        self._at[name] = cursor


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one listing is."""

    marks: Marks
    name: str
    overlap: bool

    @property
    def begin(self) -> str | None:
        """The cursor to begin with; None for the first page."""
        return self.marks.state.get(self.name)

    def went_on(self, read: str | None, following: str) -> None:
        """The page of the cursor `read` (None: the first) was read whole; `following` is the next one's."""
        if not self.overlap:
            self.marks._set(self.name, following)
        elif read is not None:
            self.marks._set(self.name, read)
