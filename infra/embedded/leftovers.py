"""Servers that outlived a killed guard: known by a file with their process id, ended at the next start.

Linux ends them with the guard (infra/embedded/shim.py), so there is normally nothing to find; elsewhere a
guard that was killed with SIGKILL leaves them running until this runs.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 15.0


def note(pid_file: Path, pid: int) -> None:
    """Remembers a server that was just started."""
    pid_file.write_text(str(pid))


def end(pid_file: Path, *, sign: str) -> None:
    """Kills the noted process if it still runs and its command line holds `sign`; then forgets it.

    The sign (the path of its data or settings) keeps us from killing a stranger that was given the number.
    """
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return
    if sign in command_line(pid):
        signal_group(pid)
        until = time.monotonic() + PATIENCE_SECONDS
        while sign in command_line(pid) and time.monotonic() < until:
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def signal_group(pid: int) -> None:
    """SIGKILL to the process and the helpers in its group."""
    for send in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            send(pid, signal.SIGKILL)


def command_line(pid: int) -> str:
    """The arguments of a running process, joined by blanks; empty when there is none (or a zombie)."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    query = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
