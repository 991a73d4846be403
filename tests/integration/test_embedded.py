"""The embedded stack with real servers: its life, its users, its crashes."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.embedded import shim
from infra.embedded.errors import DiskFullError, StartFailedError
from infra.embedded.stack import EmbeddedStack, Endpoints
from infra.settings import Settings

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

USER = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
from pathlib import Path
from infra.embedded.stack import EmbeddedStack
state, cache = map(Path, sys.argv[1:])
stack = EmbeddedStack(state, cache_dir=cache)
print("starting", flush=True)
with stack as endpoints:
    print(json.dumps([endpoints.kafka, endpoints.postgres]), flush=True)
    sys.stdin.read()
"""


class Command:
    """A user process, as `parley` would be, in a process group of its own like a job of a terminal."""

    def __init__(self, state: Path, *, prefix: tuple[str, ...] = ()) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 — lives as long as the command
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", USER, str(state), str(cache_dir())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            process_group=0,
        )
        assert self._line() == b"starting\n"

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def endpoints(self) -> Endpoints:
        line = self._line()
        if not line:
            self._errors.seek(0)
            pytest.fail(self._errors.read().decode())
        kafka, postgres = json.loads(line)
        return Endpoints(kafka=kafka, postgres=postgres)

    def leave(self) -> None:
        """Ends as a command ends: returns when it has released the stack."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            assert stream is not None
            stream.close()


def cache_dir() -> Path:
    return Settings().cache_dir


def processes(state: Path) -> list[psutil.Process]:
    """Guard and servers of a stack: all work inside its folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd().startswith(str(state)) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def named(state: Path, word: str) -> list[psutil.Process]:
    """Those of a stack that have `word` among their arguments; short-lived helpers come and go meanwhile."""
    found = []
    for process in processes(state):
        with contextlib.suppress(psutil.Error):
            if word in process.cmdline():
                found.append(process)
    return found


def guards(state: Path) -> list[psutil.Process]:
    return named(state, "infra.embedded.guard")


def brokers(state: Path) -> list[psutil.Process]:
    return named(state, "kafka.Kafka")


def eventually(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def nothing_runs(state: Path) -> Callable[[], bool]:
    return lambda: not processes(state)


@pytest.fixture(scope="module", autouse=True)
def _warm_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Jars and the JVM's start-up cache: so that no test below waits for them within its own limits."""
    with EmbeddedStack(tmp_path_factory.mktemp("warm"), postgres=False, cache_dir=cache_dir()):
        pass


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    try:
        eventually(nothing_runs(tmp_path), 20)  # a test that failed left its commands to be killed
    finally:
        for process in processes(tmp_path):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture
def command(state: Path) -> Iterator[Callable[[], Command]]:
    with contextlib.ExitStack() as stack:

        def make() -> Command:
            made = Command(state)
            stack.callback(made.close)
            return made

        yield make


async def write(endpoints: Endpoints) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=endpoints.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=endpoints.kafka, acks="all") as producer:
        await producer.send_and_wait("kept", b"a record")
    connection = await asyncpg.connect(endpoints.postgres)
    try:
        await connection.execute("create table kept (word text)")
        await connection.execute("insert into kept values ('a row')")
    finally:
        await connection.close()


async def read(endpoints: Endpoints) -> tuple[bytes, str]:
    consumer = AIOKafkaConsumer(
        "kept",
        bootstrap_servers=endpoints.kafka,
        group_id="reader",
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), PATIENCE)
    finally:
        await consumer.stop()
    connection = await asyncpg.connect(endpoints.postgres)
    try:
        return record.value, await connection.fetchval("select word from kept")
    finally:
        await connection.close()


WRITTEN = (b"a record", "a row")


def test_data_of_both_servers_survives_a_restart(state: Path) -> None:
    stack = EmbeddedStack(state, cache_dir=cache_dir())
    with stack as endpoints:
        asyncio.run(write(endpoints))
    assert nothing_runs(state)()
    with stack as endpoints:
        assert asyncio.run(read(endpoints)) == WRITTEN
    assert nothing_runs(state)()


def test_a_second_command_joins_and_keeps_the_servers_when_the_first_leaves(
    state: Path, command: Callable[[], Command]
) -> None:
    first = command()
    endpoints = first.endpoints()
    second = command()
    assert second.endpoints() == endpoints
    first.leave()
    asyncio.run(write(endpoints))
    assert asyncio.run(read(endpoints)) == WRITTEN
    second.leave()
    assert nothing_runs(state)()


def test_two_commands_at_once_on_a_cold_folder_share_one_stack(
    state: Path, command: Callable[[], Command]
) -> None:
    first, second = command(), command()
    assert first.endpoints() == second.endpoints()
    assert len(guards(state)) == 1
    first.leave()
    second.leave()
    assert nothing_runs(state)()


def test_a_command_that_comes_while_the_last_one_leaves_gets_a_working_stack(
    state: Path, command: Callable[[], Command]
) -> None:
    leaving = command()
    asyncio.run(write(leaving.endpoints()))
    for _ in range(3):
        assert leaving.process.stdin is not None
        leaving.process.stdin.close()
        coming = command()
        assert asyncio.run(read(coming.endpoints())) == WRITTEN
        assert leaving.process.wait(PATIENCE) == 0
        leaving = coming
    leaving.leave()
    assert nothing_runs(state)()


def test_sigkill_of_the_only_command_stops_the_servers(state: Path, command: Callable[[], Command]) -> None:
    only = command()
    only.endpoints()
    only.process.kill()
    eventually(nothing_runs(state), 15)


def test_sigkill_of_a_command_while_it_starts_leaves_nothing(
    state: Path, command: Callable[[], Command]
) -> None:
    only = command()
    eventually(lambda: brokers(state))
    only.process.kill()
    eventually(nothing_runs(state), 20)


def test_ctrl_c_ends_the_command_and_the_servers(state: Path, command: Callable[[], Command]) -> None:
    only = command()
    only.endpoints()
    os.killpg(only.process.pid, signal.SIGINT)
    assert only.process.wait(PATIENCE) != 0
    assert nothing_runs(state)()


def test_sigkill_of_the_guard_ends_the_servers_and_the_next_start_finds_the_data(
    state: Path, command: Callable[[], Command]
) -> None:
    first = command()
    asyncio.run(write(first.endpoints()))
    [guard] = guards(state)
    guard.kill()
    eventually(nothing_runs(state), 15)
    second = command()  # while the first still believes that it uses the stack
    assert asyncio.run(read(second.endpoints())) == WRITTEN
    first.leave()
    second.leave()
    assert nothing_runs(state)()


def test_a_server_that_dies_is_started_again_on_its_port(state: Path, command: Callable[[], Command]) -> None:
    only = command()
    endpoints = only.endpoints()
    asyncio.run(write(endpoints))
    [killed] = brokers(state)
    killed.kill()
    eventually(lambda: not killed.is_running())
    eventually(lambda: listens(endpoints.kafka))
    assert asyncio.run(read(endpoints)) == WRITTEN
    only.leave()


def test_half_written_folders_and_a_stale_lock_do_not_hinder_a_start(state: Path) -> None:
    stack = EmbeddedStack(state, cache_dir=cache_dir())
    servers = state / "servers"
    for half in ("postgres.new", "kafka.new", "kafka"):
        (servers / half).mkdir(parents=True)
        (servers / half / "PG_VERSION").write_text("half")
    (servers / "endpoints.json").write_text(
        '{"kafka": "127.0.0.1:1", "postgres": "postgresql://x", "guard": 1}'
    )
    with stack as endpoints:
        asyncio.run(write(endpoints))
    owner = (servers / "postgres").stat()
    stale = servers / "postgres" / "postmaster.pid"  # its number went to another program: this one
    stale.write_text(f"{os.getpid()}\n{servers / 'postgres'}\n1\n1\n\n127.0.0.1\n\nready\n")
    os.chown(stale, owner.st_uid, owner.st_gid)
    (servers / "postgres-password").unlink()
    with stack as endpoints:
        assert asyncio.run(read(endpoints)) == WRITTEN


def test_only_the_servers_asked_for_are_started(state: Path) -> None:
    with EmbeddedStack(state, kafka=False, cache_dir=cache_dir()) as endpoints:
        assert endpoints.kafka == ""
        assert endpoints.postgres.startswith("postgresql://")
        with pytest.raises(StartFailedError, match="without Kafka"):
            EmbeddedStack(state, cache_dir=cache_dir()).acquire()
    assert nothing_runs(state)()


def test_a_full_disk_is_named_before_anything_is_started(state: Path) -> None:
    with pytest.raises(DiskFullError, match="Only 5 MB are free"):
        EmbeddedStack(state, cache_dir=cache_dir(), free_space=lambda _: 5_000_000).acquire()
    assert nothing_runs(state)()


def test_postgres_takes_no_connection_without_the_password(state: Path) -> None:
    with EmbeddedStack(state, kafka=False, cache_dir=cache_dir()) as endpoints:
        scheme, _, place = endpoints.postgres.partition("@")
        assert scheme.startswith("postgresql://parley:")

        async def try_it() -> None:
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(f"postgresql://parley:wrong@{place}")

        asyncio.run(try_it())


@pytest.mark.skipif(os.geteuid() != 0, reason="other tests run as an ordinary user then")
def test_it_works_for_an_ordinary_user() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, 65534, 65534)
        state = Path(home) / "state"
        become = ["--parent", str(os.getpid()), "--signal", "9", "--uid", "65534", "--gid", "65534", "--"]
        prefix = (sys.executable, "-I", "-S", str(Path(shim.__file__)), *become)
        started = Command(state, prefix=prefix)
        try:
            asyncio.run(write(started.endpoints()))
            assert {one.uids().real for one in [*guards(state), *brokers(state)]} == {65534}
            started.leave()
        finally:
            started.close()
        assert nothing_runs(state)()
