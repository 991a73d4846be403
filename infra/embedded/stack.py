"""A real Kafka and a real PostgreSQL for one command, or for several at a time, on one machine.

    with EmbeddedStack(state_dir) as endpoints:
        ...  # endpoints.kafka, endpoints.postgres

The first command starts the servers, later ones join, and when the last is gone they are stopped; the data
stays in the state folder. Every command holds a shared lock on `users.lock`; the guard process
(infra/embedded/guard.py) stops when it can have that lock alone. Linux and macOS.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from infra.embedded.errors import StartFailedError
from infra.embedded.jars import PINNED, ensure_jars
from infra.embedded.launch import launch
from infra.embedded.locks import POLL_SECONDS, FileLock, is_held
from infra.embedded.process import failure
from infra.embedded.state import Endpoints, StateFolder, free_bytes, from_os_error, require_space

if TYPE_CHECKING:
    from rich.progress import Progress

START_SECONDS = 180.0
"""Longer than the guard's own patience with its servers, whose messages say more."""
STOP_SECONDS = 60.0
QUIET_SECONDS = 2.0
"""A stop that takes longer is explained on a terminal."""

__all__ = ["EmbeddedStack", "Endpoints"]


class EmbeddedStack:
    """Starts or joins the stack of one state folder, and leaves it.

    Not for use by several threads at once. All calls block: seconds on a warm start, up to minutes when
    Kafka's jars are fetched for the first time. A process that is forked off meanwhile counts as a user too.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        kafka: bool = True,
        postgres: bool = True,
        cache_dir: Path | None = None,
        jars_dir: Path | None = None,
        progress: "Progress | None" = None,
        free_space: Callable[[Path], int] = free_bytes,
        manifest: Path = PINNED,
    ) -> None:
        """Touches nothing yet. Keeps to the folder `servers` inside `state_dir`.

        `kafka` and `postgres` say which servers are needed here. `cache_dir` (default: the user's cache
        folder) keeps downloaded jars, `jars_dir` is a folder of jars filled beforehand. `progress` shows the
        first download; without one a bar is drawn on standard error.
        """
        self._state = StateFolder(state_dir.absolute() / "servers")
        self._kafka = kafka
        self._postgres = postgres
        self._cache = (cache_dir or default_cache_dir()).absolute()
        self._jars_dir = None if jars_dir is None else jars_dir.absolute()
        self._progress = progress
        self._free_space = free_space
        self._manifest = manifest
        self._users: FileLock | None = None

    def __enter__(self) -> Endpoints:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> Endpoints:
        """Starts or joins; returns when the servers answer.

        Raises EmbeddedStackError, and then holds nothing.
        """
        if self._users is not None:
            raise RuntimeError("this stack is in use already; make another EmbeddedStack")
        self._state.prepare()
        try:
            self._users = FileLock(self._state.users_lock)
            if not self._users.shared(seconds=STOP_SECONDS):  # a guard that is stopping holds it
                raise failure(
                    "The stack of an earlier command does not end", logs=[self._state.logs / "guard.log"]
                )
            return self._join_or_start()
        except OSError as problem:
            self.release()
            raise from_os_error(problem, self._state.root) from problem
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Leaves. The last user's call returns only when servers and guard are gone. May be called twice."""
        users, self._users = self._users, None
        if users is None:
            return
        users.close()
        until = time.monotonic() + STOP_SECONDS
        others = 0
        explain_at: float | None = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < until and is_held(self._state.guard_lock):
            others = others + 1 if self._others_use_it() else 0
            if others == 2:  # once may have been another one that was just leaving
                return
            if explain_at is not None and time.monotonic() > explain_at and sys.stderr.isatty():
                explain_at = None
                sys.stderr.write(
                    "Stopping Kafka and PostgreSQL; after its first run Kafka stores a start-up cache.\n"
                )
            time.sleep(POLL_SECONDS)

    @property
    def lock_fd(self) -> int | None:
        """What makes this process a user, and a child that inherits it another one; None when not in use."""
        return None if self._users is None else self._users.fd

    def _others_use_it(self) -> bool:
        """True when somebody shares the users' lock; False when nobody has it or the guard, stopping."""
        probe = FileLock(self._state.users_lock)
        try:
            return not probe.try_exclusive() and probe.try_shared()
        finally:
            probe.close()

    def _join_or_start(self) -> Endpoints:
        jars: list[Path] | None = None
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if is_held(self._state.guard_lock):
                if (endpoints := self._state.read_endpoints()) is not None:
                    return self._checked(endpoints)
                time.sleep(POLL_SECONDS)
                continue
            if jars is None:
                require_space(self._state.root, free=self._free_space)
                jars = self._fetch_jars() if self._kafka else []
                until = time.monotonic() + START_SECONDS
            guard_lock = FileLock(self._state.guard_lock)
            try:
                if guard_lock.try_exclusive():
                    launch(
                        self._state,
                        guard_lock,
                        cache=self._cache,
                        jars=jars if self._kafka else None,
                        postgres=self._postgres,
                        seconds=START_SECONDS,
                    )
            finally:
                guard_lock.close()  # the guard has it open too, and so keeps the lock
        raise failure("The stack did not become ready in time", logs=[self._state.logs / "guard.log"])

    def _checked(self, endpoints: Endpoints) -> Endpoints:
        for name, needed, address in (
            ("Kafka", self._kafka, endpoints.kafka),
            ("PostgreSQL", self._postgres, endpoints.postgres),
        ):
            if needed and not address:
                raise StartFailedError(
                    f"Another command is using this stack without {name}",
                    thing=str(self._state.root),
                    remedy="Give both the same KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, or await its end.",
                )
        return endpoints

    def _fetch_jars(self) -> list[Path]:
        from infra.embedded.progress import download_bar

        return ensure_jars(
            self._cache,
            given=self._jars_dir,
            progress=self._progress or download_bar(),
            manifest=self._manifest,
            free=self._free_space,
        )


def default_cache_dir() -> Path:
    """Where downloads are kept when the caller names no place: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "parley"
