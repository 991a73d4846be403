"""What a simulated platform saw and did, as JSON lines; the form is described in `connectors/JOURNAL.md`.

Proofs of "lost" and "posted twice" count from here, so a line is on file before its answer is sent.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any


class Journal:
    """Appends to a file, one flushed line a call; without a path it only counts."""

    def __init__(self, path: Path | None, platform: str) -> None:
        self._platform = str(platform)
        self._file: IO[str] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")

    def write(self, kind: str, **fields: Any) -> None:
        """Appends one line; `at` is unix time in seconds."""
        if self._file is None:
            return
        line = {"at": round(time.time(), 6), "platform": self._platform, "kind": kind, **fields}
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The journal's lines in order; a last line cut off by a crash is left out."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


@dataclass(slots=True)
class Tally:
    """A journal counted. Times are unix seconds; comments are named by the platform's ids.

    `created`: comments by people, when; `accepted`: those of them whose notice was first answered 2xx, when;
    `given_up`: those whose notice was never answered 2xx and will not be sent again;
    `replies`: ids of the replies that exist because of a request, by the comment they were asked for;
    `replied`: when the first of them came to exist; `removed`: comments that are gone.
    """

    created: dict[str, float] = field(default_factory=dict)
    accepted: dict[str, float] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    replies: dict[str, list[str]] = field(default_factory=dict)
    replied: dict[str, float] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    @property
    def posted(self) -> int:
        """Replies that requests brought into being."""
        return sum(map(len, self.replies.values()))

    @property
    def posted_twice(self) -> list[str]:
        """Comments for which more than one reply came to exist."""
        return [comment for comment, replies in self.replies.items() if len(replies) > 1]


class Counting:
    """Counts a journal that still grows: `update` reads what is new and gives the whole tally."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.tally = Tally()

    def update(self) -> Tally:
        """The tally of everything on file by now."""
        if not self._path.exists():
            return self.tally
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                _count(self.tally, json.loads(line))
        return self.tally


def tally(path: Path) -> Tally:
    """A whole journal, counted."""
    return Counting(path).update()


def _count(found: Tally, line: dict[str, Any]) -> None:
    kind, at = line["kind"], line["at"]
    if kind == "comment":
        found.created[line["comment_id"]] = at
    elif kind == "delivery" and line["effect"] == "accepted":
        for verb, comment, own in line["changes"]:
            if verb == "add" and not own:
                found.accepted.setdefault(comment, at)
                found.given_up.discard(comment)
    elif kind == "given_up":
        found.given_up |= {
            comment for verb, comment, own in line["changes"]
            if verb == "add" and not own and comment not in found.accepted
        }  # fmt: skip
    elif kind == "reply" and line["effect"] == "created":
        found.replies.setdefault(line["comment_id"], []).append(line["reply_id"])
        found.replied.setdefault(line["comment_id"], at)
    elif kind == "remove":
        found.removed.add(line["comment_id"])
