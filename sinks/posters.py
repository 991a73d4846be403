"""Names of posters, by which one can tell that a poster of the same machine is dead.

A dead poster's leases need not run out, for it begins no call any more; what the platform still has of it
is waited out (`sinks.upkeep`). A poster that only stands still (SIGSTOP) lives, and one whose number the
system has given to another process is taken to live. Machines resumed from one memory snapshot look alike
here: they would take each other's accounts and look replies in mid-call up; nothing is sent twice by it.
"""

import hashlib
import os
import uuid
from pathlib import Path
from typing import Final


def _machine() -> str:
    """Where process numbers mean the same: this start of the system, and this container. "" if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        seen = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - of the link's target
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{seen}".encode()).hexdigest()[:12]


MACHINE: Final = _machine()


def new_name() -> str:
    """A name for a poster of this process."""
    return f"{MACHINE}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def process_of(name: str) -> int:
    """The number of the process, on its machine, that this poster runs in."""
    return int(name.split("-")[1])


def is_dead(name: str) -> bool:
    """True if this poster's process is known to have ended; False where that cannot be known."""
    if not MACHINE or not name.startswith(f"{MACHINE}-"):
        return False
    try:
        os.kill(process_of(name), 0)
    except OSError as error:  # PermissionError: it lives, and is another user's
        return isinstance(error, ProcessLookupError)
    return False
