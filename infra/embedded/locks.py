"""Advisory file locks that the kernel drops when their holder dies, however it dies."""

import errno
import fcntl
import os
import time
from pathlib import Path

from infra.embedded.errors import StateFolderError

POLL_SECONDS = 0.05


class FileLock:
    """One `flock` on one file. Not inherited by programs that this process starts, unless handed over.

    Methods never wait, except `shared`. OSErrors of a file system without locks become StateFolderError.
    """

    def __init__(self, path: Path, *, fd: int | None = None) -> None:
        """Opens (and creates) `path`; with `fd`, adopts the lock of an open file that was handed over."""
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if fd is None else fd

    def try_shared(self) -> bool:
        """True when the lock is now held together with other shared holders."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """True when nobody else holds the lock in any way."""
        return self._try(fcntl.LOCK_EX)

    def shared(self, *, seconds: float) -> bool:
        """Waits up to `seconds` for a shared lock; False when an exclusive holder outlasted them."""
        until = time.monotonic() + seconds
        while not self.try_shared():
            if time.monotonic() > until:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def unlock(self) -> None:
        """Gives the lock up and keeps the file open."""
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Closes the file; the lock goes with the last process that has this open file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _try(self, mode: int) -> bool:
        try:
            fcntl.flock(self.fd, mode | fcntl.LOCK_NB)
        except OSError as problem:
            if problem.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                return False
            raise StateFolderError(
                f"The file system offers no file locks ({problem.strerror})",
                thing=str(self.path),
                remedy="Choose a state folder on a local disk.",
            ) from problem
        return True


def is_held(path: Path) -> bool:
    """True when some process holds any lock on `path`; takes it for an instant to find out."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()
