"""Starts the guard process and waits for its word."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from infra.embedded.errors import from_record
from infra.embedded.locks import FileLock
from infra.embedded.process import failure
from infra.embedded.state import StateFolder


def launch(
    state: StateFolder,
    guard_lock: FileLock,
    *,
    cache: Path,
    jars: Sequence[Path] | None,
    postgres: bool,
    seconds: float,
) -> None:
    """Starts a guard, hands it `guard_lock`, which must be held, and returns when its servers are ready.

    The open file is inherited, so the lock is never free between us and the guard: there cannot be two.
    Without `jars` it runs no Kafka. Raises the EmbeddedStackError that the guard met.
    """
    state.endpoints_file.unlink(missing_ok=True)
    options = ["--state", str(state.root), "--cache", str(cache), "--lock", str(guard_lock.fd)]
    if jars is not None:
        class_path = state.run / "class-path"
        class_path.write_text("\n".join(map(str, jars)))
        options += ["--jars", str(class_path)]
    if postgres:
        options += ["--postgres"]
    read, write = os.pipe()
    try:
        try:
            _spawn([*options, "--report", str(write)], state, keep=(guard_lock.fd, write))
        finally:
            os.close(write)
        _await_word(read, state, seconds)
    finally:
        os.close(read)


def _spawn(options: list[str], state: StateFolder, *, keep: tuple[int, int]) -> None:
    """Returns at once: the guard forks and ends its first half."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    with (state.logs / "guard.log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-P", "-m", "infra.embedded.guard", *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=state.root,
            env={**os.environ, "PYTHONPATH": path},
            pass_fds=keep,
            start_new_session=True,
            check=False,
        )


def _await_word(read: int, state: StateFolder, seconds: float) -> None:
    said = b""
    until = time.monotonic() + seconds
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([read], [], [], max(0.0, until - time.monotonic()))
        chunk = os.read(read, 65_536) if ready else b""
        if not chunk:
            raise failure("The stack did not start", logs=[state.logs / "guard.log"])
        said += chunk
    word: dict[str, str] = json.loads(said)
    if "type" in word:
        raise from_record(word)
