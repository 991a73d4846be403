"""Runs worker processes and restarts those that end, with backoff.

A child gets a session of its own, so that Ctrl-C reaches only the supervisor, which stops the children in
order. A child's standard input is a pipe that only the supervisor holds: should the supervisor die, even by
SIGKILL, the pipe closes and the child drains and ends (`exit_with_parent`).
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra import logs
from schemas.errors import ConfigurationError, EnvironmentFault, StageHalted

PARENT_PIPE: Final = "_PARLEY_PARENT_PIPE"
_HEALTHY_AFTER: Final = 30.0
"""Seconds after which a child counts as healthy, and its backoff begins anew."""
_LONGEST_PAUSE: Final = 15.0
FINAL_CODES: Final = {ConfigurationError.exit_code, StageHalted.exit_code}
"""Exit codes after which a restart would change nothing."""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One child: `parley` with these arguments."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Child:
    program: Program
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0


class Supervisor:
    """Starts programs, restarts them, stops them.

    `log_dir`: where each child's output goes (`NAME.log`); None lets them write to our standard error.
    `keep_open`: file descriptors that the children inherit.
    `failed` is told (name, exit code, last words) when a child ends unasked.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        log_dir: Path | None = None,
        keep_open: Sequence[int] = (),
        stop_within: float = 25,
        failed: Callable[[str, int, str], None] | None = None,
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._log_dir = log_dir
        self._keep_open = tuple(keep_open)
        self._stop_within = stop_within
        self._failed = failed
        self._stopping = False
        self._starting = asyncio.Lock()

    def pids(self) -> dict[str, int]:
        """Process ids of the running children by name."""
        return {
            child.program.name: child.process.pid
            for child in self._children
            if child.process is not None and child.process.returncode is None
        }

    @property
    def restarts(self) -> int:
        """How often a child was started again."""
        return sum(child.restarts for child in self._children)

    async def run(self) -> int:
        """Runs until `stop()`, or until no child is left that a restart could mend; returns the worst code.

        A child that has ended for good leaves the others running: a stage that halts must not take the
        webhooks with it.
        """
        tasks = [asyncio.create_task(self._keep(child)) for child in self._children]
        try:
            return max(await asyncio.gather(*tasks))
        finally:
            await self.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """SIGTERM to all, SIGKILL to those that have not ended within `stop_within` seconds."""
        self._stopping = True
        async with self._starting:  # what is being started now is seen here, nothing else is started
            running = [c.process for c in self._children if c.process and c.process.returncode is None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        try:
            async with asyncio.timeout(self._stop_within):
                await asyncio.gather(*(process.wait() for process in running))
        except TimeoutError:
            for process in running:
                if process.returncode is None:
                    log.warning("a worker did not drain in time and was killed", pid=process.pid)
                    process.kill()
            await asyncio.gather(*(process.wait() for process in running))

    async def _keep(self, child: _Child) -> int:
        name, pause = child.program.name, 0.5
        while True:
            began = time.monotonic()
            code = await self._run_once(child)
            if self._stopping:
                return 0
            words = self._last_words(name)
            if self._failed:
                self._failed(name, code, words)
            else:
                log.error("a worker ended and is started again", worker=name, exit_code=code)
            if code in FINAL_CODES:
                log.critical(
                    "a worker ended for good; the others go on", worker=name, exit_code=code, why=words
                )
                return code
            if time.monotonic() - began > _HEALTHY_AFTER:
                pause = 0.5
            await asyncio.sleep(pause)
            # A server that is away is waited for at an even pace; a crash is given more room each time.
            pause = min(pause * (1.2 if code == EnvironmentFault.exit_code else 2), _LONGEST_PAUSE)
            child.restarts += 1

    async def _run_once(self, child: _Child) -> int:
        """The exit code; 0 without a start once all is stopped, for nobody would stop it then."""
        program = child.program
        async with self._starting, contextlib.AsyncExitStack() as opened:
            if self._stopping:
                return 0
            output = None
            if self._log_dir:
                output = opened.enter_context((self._log_dir / f"{program.name}.log").open("ab"))
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "console.main",
                *program.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, **program.environment, PARENT_PIPE: "1"},
                start_new_session=True,
                pass_fds=self._keep_open,
            )
        return await child.process.wait()

    def _last_words(self, name: str) -> str:
        if not self._log_dir:
            return ""
        lines = (self._log_dir / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return next((said for line in reversed(lines) if (said := _said(line))), "")


def _said(line: str) -> str:
    """What a log line says in short; "" where it says nothing to a person."""
    try:
        logged = json.loads(line)
    except ValueError:
        return line.strip()[-500:]
    if not isinstance(logged, dict) or logged.get("level") not in ("critical", "error"):
        return ""
    cause = str(logged.get("exception", "")).strip().rpartition("\n")[2]
    return f"{logged.get('event', '')} {cause}".strip()[-500:]


def exit_with_parent() -> None:
    """In a child: asks this process to end (SIGTERM) once the supervisor that started it is gone.

    Does nothing in a process that no supervisor started.
    """
    if not os.environ.pop(PARENT_PIPE, None):
        return

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
