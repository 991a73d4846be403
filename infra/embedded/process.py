"""One server program under the guard: started through the shim, logged to a file, ended for certain."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from infra.embedded.errors import DiskFullError, EmbeddedStackError, StartFailedError, StateFolderError
from infra.embedded.users import User

SHIM = Path(__file__).with_name("shim.py")
LOG_LINES_SHOWN = 15


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What servers see: no PG*, JAVA_* or CLASSPATH variables of the caller, which would change them."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ
    }
    return {**kept, "LC_ALL": "C", "TZ": "UTC", **(extra or {})}


async def spawn(
    program: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path,
    death_signal: signal.Signals = signal.SIGKILL,
    user: User | None = None,
    stdin: int = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
) -> asyncio.subprocess.Process:
    """Starts `program` in a process group of its own, its output appended to `log`.

    Must be called on the guard's main thread: `death_signal` follows when that thread ends.
    """
    identity = [] if user is None else ["--uid", str(user.uid), "--gid", str(user.gid)]
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", SHIM,
            "--parent", str(os.getpid()), "--signal", str(int(death_signal)), *identity,
            "--", *program,
            stdin=stdin, stdout=output, stderr=subprocess.STDOUT,
            cwd=cwd, env=clean_environment(environment), process_group=0,
        )  # fmt: skip


def begin_log(log: Path) -> None:
    """Puts the log of the run before aside, so that a failure shows lines of this run only."""
    with suppress(FileNotFoundError):
        log.replace(log.with_suffix(".previous.log"))


async def run(program: Sequence[str | Path], *, log: Path, cwd: Path, name: str, user: User | None = None,
              text: str = "", seconds: float = 120) -> None:  # fmt: skip
    """Runs a program that ends by itself, fed with `text`; a non-zero exit raises with its log's tail."""
    process = await spawn(program, log=log, cwd=cwd, user=user, stdin=subprocess.PIPE)
    try:
        await asyncio.wait_for(process.communicate(text.encode()), seconds)
    finally:
        if process.returncode is None:
            kill_group(process.pid)
            await process.wait()
    if process.returncode != 0:
        raise failure(f"{name} ended with status {process.returncode}", logs=[log])


async def stop(process: asyncio.subprocess.Process, *, gently: signal.Signals, seconds: float) -> bool:
    """Sends `gently`, waits up to `seconds`, then kills the whole group; True when it went gently."""
    if process.returncode is None:
        signal_quietly(process.pid, gently)
    gentle = True
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        gentle = False
    kill_group(process.pid)
    await process.wait()
    return gentle


def kill_group(pid: int) -> None:
    """SIGKILL to a group that `spawn` made, helpers of a dead leader included."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def signal_quietly(pid: int, number: signal.Signals) -> None:
    """Signals a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def says(log: Path, words: str) -> bool:
    """True when `words` stand anywhere in a log."""
    return log.exists() and words in log.read_text(errors="replace")


def tail(log: Path, lines: int = LOG_LINES_SHOWN) -> str:
    """The last lines of a log, or nothing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def failure(what: str, *, logs: Sequence[Path]) -> EmbeddedStackError:
    """The error for a server that failed to start, its type read from the ends of its logs."""
    said = {log: end for log in logs if (end := tail(log))}
    everything = "\n".join(said.values())
    place = ", ".join(str(log) for log in said) or str(logs[0].parent)
    shown = "".join(f"\nLast lines of {log}:\n{end}" for log, end in said.items())
    if "No space left on device" in everything:
        return DiskFullError(
            what, thing=place, remedy=f"The disk is full: free some space, then run again.{shown}"
        )
    if "Permission denied" in everything or "AccessDenied" in everything:
        return StateFolderError(
            what, thing=place, remedy=f"A file cannot be read or written: run as the user who owns it.{shown}"
        )
    return StartFailedError(
        what, thing=place, remedy=f"The log tells why; the data was left as it is.{shown}"
    )
