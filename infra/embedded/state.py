"""The servers' own folder inside the state folder: what lies where, and whether it is fit for use.

users.lock          shared by every command that uses the stack; the guard stops when it can have it alone
guard.lock          held by the guard as long as it lives
endpoints.json      where the servers listen; valid only while guard.lock is held
postgres-password   of the role `parley`
postgres/ kafka/    the data; `*.new` is a first set-up that was not finished and is thrown away
run/                settings files written at each start, process ids
logs/               kafka.log, postgres.log, guard.log and what else programs print
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import DiskFullError, EmbeddedStackError, StateFolderError

MINIMUM_FREE_BYTES = 1_000_000_000

_OURS = {
    "users.lock", "guard.lock", "endpoints.json", "endpoints.tmp", "postgres-password",
    "postgres", "postgres.new", "kafka", "kafka.new", "run", "logs",
}  # fmt: skip
_HARMLESS = {"lost+found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the servers listen.

    `kafka` is "127.0.0.1:port", `postgres` a "postgresql://…" address with the password in it. A server that
    was not asked for has an empty string.
    """

    kafka: str
    postgres: str


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths inside one state folder; `root` must be absolute."""

    root: Path

    @property
    def users_lock(self) -> Path:
        """Shared by every user."""
        return self.root / "users.lock"

    @property
    def guard_lock(self) -> Path:
        """Held by the guard."""
        return self.root / "guard.lock"

    @property
    def endpoints_file(self) -> Path:
        """Where the servers listen."""
        return self.root / "endpoints.json"

    @property
    def logs(self) -> Path:
        """What servers and guard print."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What is written anew at each start."""
        return self.root / "run"

    def prepare(self) -> None:
        """Creates the folder; raises StateFolderError where it holds foreign files or cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            foreign = sorted(
                entry.name
                for entry in self.root.iterdir()
                if entry.name not in _OURS | _HARMLESS and not entry.name.startswith(".")
            )
            if foreign:
                raise StateFolderError(
                    "The state folder holds files that are not Parley's",
                    thing=", ".join(str(self.root / name) for name in foreign[:3]),
                    remedy="Choose an empty or new folder for the embedded Kafka and Postgres.",
                )
            for folder in (self.logs, self.run):
                folder.mkdir(exist_ok=True)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(None, "Permission denied", str(folder))
        except OSError as problem:
            raise from_os_error(problem, self.root) from problem

    def write_endpoints(self, endpoints: Endpoints) -> None:
        """Called by the guard. The file appears whole or not at all; only its owner may read the password."""
        temporary = self.root / "endpoints.tmp"
        record = {"kafka": endpoints.kafka, "postgres": endpoints.postgres, "guard": os.getpid()}
        write_private(temporary, json.dumps(record))
        temporary.replace(self.endpoints_file)

    def read_endpoints(self) -> Endpoints | None:
        """What the guard wrote, or None while there is nothing yet, or only what a killed one left."""
        try:
            record = json.loads(self.endpoints_file.read_text())
            os.kill(record["guard"], 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        return Endpoints(kafka=record["kafka"], postgres=record["postgres"])


def write_private(path: Path, text: str) -> None:
    """Writes `text` with mode 0600 from the first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def free_bytes(folder: Path) -> int:
    """Free space for this user on the disk of `folder`."""
    return shutil.disk_usage(folder).free


def require_space(
    folder: Path, *, free: Callable[[Path], int] = free_bytes, needed: int = MINIMUM_FREE_BYTES
) -> None:
    """Raises DiskFullError when `folder`'s disk has fewer than `needed` bytes left."""
    left = free(folder)
    if left < needed:
        raise DiskFullError(
            f"Only {left / 1e6:,.0f} MB are free, {needed / 1e6:,.0f} MB are needed",
            thing=str(folder),
            remedy="Free some disk space or choose a folder on another disk.",
        )


def from_os_error(problem: OSError, folder: Path) -> EmbeddedStackError:
    """The named error for what the operating system said about `folder`."""
    thing = str(problem.filename or folder)
    if problem.errno in (28, 122):  # ENOSPC, EDQUOT
        return DiskFullError("The disk is full", thing=thing, remedy="Free some disk space, then run again.")
    return StateFolderError(
        f"The folder cannot be used ({problem.strerror or problem})",
        thing=thing,
        remedy="Choose another folder, or run as the user who owns this one.",
    )
