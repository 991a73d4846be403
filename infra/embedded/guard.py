"""The process that owns the servers: starts them, watches over them, and ends them after their last user.

Started by `EmbeddedStack` in a session of its own, so that a terminal's Ctrl-C does not reach it. It learns
that a user is gone, however it died, from a file lock that the kernel drops; should it be killed itself, the
kernel ends the servers (infra/embedded/shim.py). What it prints goes to logs/guard.log.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from infra.embedded.errors import EmbeddedStackError
from infra.embedded.kafka import KafkaServer
from infra.embedded.locks import FileLock
from infra.embedded.postgres import PostgresServer
from infra.embedded.process import failure
from infra.embedded.state import Endpoints, StateFolder, from_os_error

POLL_SECONDS = 0.1
RESTARTS, RESTARTS_SECONDS = 3, 600.0
"""So many within so long; then something is wrong that starting again does not mend."""

Server = KafkaServer | PostgresServer


class Guard:
    """Runs `servers` while anybody holds the users' lock."""

    def __init__(
        self, state: StateFolder, *, kafka: KafkaServer | None, postgres: PostgresServer | None
    ) -> None:
        self._state = state
        self._kafka = kafka
        self._postgres = postgres
        self._servers: list[Server] = [server for server in (kafka, postgres) if server is not None]
        self._users = FileLock(state.users_lock)
        self._told_to_stop = False

    async def run(self, report: int) -> None:
        """Starts, tells `report` (a pipe) how it went in one line of JSON, serves, stops."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_soon)
        try:
            if await self._start(self._servers):
                endpoints = Endpoints(
                    kafka=self._kafka.address if self._kafka else "",
                    postgres=self._postgres.address if self._postgres else "",
                )
                self._state.write_endpoints(endpoints)
                _tell(report, {"ready": "yes"})
                await self._watch()
        except EmbeddedStackError as failed:
            _tell(report, failed.as_record())
            raise
        except OSError as failed:
            _tell(report, from_os_error(failed, self._state.root).as_record())
            raise
        finally:
            self._state.endpoints_file.unlink(missing_ok=True)
            stopped = await asyncio.gather(
                *(server.stop() for server in self._servers), return_exceptions=True
            )
            for problem in filter(None, stopped):
                _say(f"while stopping: {problem!r}")

    async def _start(self, servers: Sequence[Server], *, again: bool = False) -> bool:
        """Starts them at once; False when the last user went away meanwhile."""
        starting = [asyncio.create_task(server.start(again=again)) for server in servers]
        try:
            while not all(task.done() for task in starting):
                await asyncio.wait(starting, timeout=POLL_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
                for task in starting:
                    if task.done():
                        task.result()
                if self._finished():
                    return False
        finally:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)
        return True

    async def _watch(self) -> None:
        """Returns after the last user; a server that ends by itself is started again on its port."""
        ends: deque[float] = deque(maxlen=RESTARTS)
        while not self._finished():
            if ended := [server for server in self._servers if not server.alive]:
                names = " and ".join(server.name for server in ended)
                if len(ends) == RESTARTS and time.monotonic() - ends[0] < RESTARTS_SECONDS:
                    raise failure(f"{names} ended again and again", logs=[server.log for server in ended])
                ends.append(time.monotonic())
                _say(f"{names} ended; starting again on the same ports")
                await self._start(ended, again=True)
            await asyncio.sleep(POLL_SECONDS)

    def _finished(self) -> bool:
        """True when nobody uses the stack; from then on newcomers wait for our end, and then start anew."""
        return self._told_to_stop or self._users.try_exclusive()

    def _stop_soon(self) -> None:
        self._told_to_stop = True


def _tell(report: int, line: dict[str, str]) -> None:
    with suppress(BrokenPipeError):  # whoever started us is gone; others may have joined
        os.write(report, json.dumps(line).encode() + b"\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%F %T')} {text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Parses what EmbeddedStack passes, detaches, runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--jars", type=Path, help="a file with the class path, one jar a line; none: no Kafka"
    )
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--lock", type=int, required=True, help="file descriptor that holds guard.lock")
    parser.add_argument("--report", type=int, required=True, help="file descriptor of a pipe to the starter")
    options = parser.parse_args(arguments)
    if os.fork() > 0:  # the starter waits for this half; the other is nobody's child to wait for
        os._exit(0)
    for handed_over in (options.lock, options.report):
        os.set_inheritable(handed_over, False)
    state = StateFolder(options.state)
    kafka = None
    if options.jars is not None:
        from infra.embedded.jvm import Jvm

        jars = [Path(line) for line in options.jars.read_text().splitlines()]
        kafka = KafkaServer(state, Jvm(jars, options.cache))
    postgres = PostgresServer(state) if options.postgres else None
    try:
        asyncio.run(Guard(state, kafka=kafka, postgres=postgres).run(options.report))
    except EmbeddedStackError as problem:
        _say(str(problem))
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    main(sys.argv[1:])
