"""Server processes: how they end, what a failure is called, and servers on taken ports."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded import kafka_protocol, leftovers, process, shim
from infra.embedded.errors import (
    DiskFullError,
    EmbeddedStackError,
    PortTakenError,
    StartFailedError,
    StateFolderError,
)
from infra.embedded.kafka import new_cluster_id
from infra.embedded.ports import HOST, free_ports
from infra.embedded.postgres import PostgresServer
from infra.embedded.state import StateFolder

STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, 1); print(1, flush=1); time.sleep(600)",
]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("java.io.IOException: No space left on device", DiskFullError),
        ("FATAL:  could not open file: Permission denied", StateFolderError),
        ("java.lang.Something", StartFailedError),
    ],
)
def test_a_failed_start_is_named_after_its_log_and_shows_its_end(
    line: str, kind: type[EmbeddedStackError], tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    log.write_text("".join(f"line {n}\n" for n in range(100)) + line)
    problem = process.failure("The server ended", logs=[log, tmp_path / "none.log"])
    assert type(problem) is kind
    assert str(log) in problem.thing
    assert line in str(problem)
    assert "line 99" in str(problem)
    assert "line 1\n" not in str(problem)


async def test_a_program_that_ignores_the_gentle_signal_is_killed(tmp_path: Path) -> None:
    started = await process.spawn(STUBBORN, log=tmp_path / "log", cwd=tmp_path)
    while not process.says(tmp_path / "log", "1"):
        await asyncio.sleep(0.01)
    assert not await process.stop(started, gently=signal.SIGTERM, seconds=0.3)
    assert started.returncode == -signal.SIGKILL


async def test_servers_do_not_see_the_callers_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGPORT", "JAVA_TOOL_OPTIONS", "CLASSPATH"):
        monkeypatch.setenv(name, "x")
    program = [sys.executable, "-c", "import os; print(*os.environ)"]
    started = await process.spawn(program, log=tmp_path / "log", cwd=tmp_path)
    assert await started.wait() == 0
    seen = (tmp_path / "log").read_text().split()
    assert "PATH" in seen
    assert not {"PGPORT", "JAVA_TOOL_OPTIONS", "CLASSPATH"} & set(seen)


def test_the_shim_starts_nothing_for_a_parent_that_is_gone() -> None:
    command = [
        sys.executable,
        "-I",
        "-S",
        shim.__file__,
        "--parent",
        "1",
        "--signal",
        "9",
        "--",
        "/bin/echo",
        "x",
    ]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b""


def test_a_leftover_server_is_killed_and_a_stranger_with_its_number_is_not(tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)])
    try:
        while str(tmp_path) not in leftovers.command_line(sleeper.pid):
            time.sleep(0.01)
        leftovers.note(tmp_path / "pid", sleeper.pid)
        leftovers.end(tmp_path / "pid", sign="/another/folder")
        assert sleeper.poll() is None
        assert not (tmp_path / "pid").exists()
        leftovers.note(tmp_path / "pid", sleeper.pid)
        leftovers.end(tmp_path / "pid", sign=str(tmp_path))
        assert sleeper.wait(10) == -signal.SIGKILL
    finally:
        sleeper.kill()
        sleeper.wait()


def test_free_ports_are_different_and_can_be_bound() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as probe:
            probe.bind((HOST, port))


@pytest.mark.integration
async def test_postgres_moves_on_from_a_port_that_was_taken_and_says_so_when_all_are(
    tmp_path: Path, taken: int
) -> None:
    state = StateFolder(tmp_path / "servers")
    state.prepare()
    offers = [taken, *free_ports(1)]
    server = PostgresServer(state, choose_ports=lambda _: [offers.pop(0)])
    await server.start()
    assert f":{taken}/" not in server.address
    await server.stop()
    hopeless = PostgresServer(state, choose_ports=lambda _: [taken])
    with pytest.raises(PortTakenError, match=f"3 times in a row: {HOST}:{taken}\n.*DATABASE_URL"):
        await hopeless.start()
    assert not hopeless.alive


def test_no_cluster_id_looks_like_an_option() -> None:
    made = {new_cluster_id() for _ in range(2_000)}
    assert len(made) == 2_000
    assert not any(one.startswith("-") or len(one) != 22 for one in made)


def test_an_answer_to_describe_cluster_is_read() -> None:
    # correlation id, no tags, throttle, no error, null message, "abc", controller 1, one broker
    answer = bytes.fromhex("00000007 00 00000000 0000 00 04616263 00000001 02")
    assert kafka_protocol.parse(answer) == ("abc", 1)
    with pytest.raises(ValueError, match="not an answer"):
        kafka_protocol.parse(bytes.fromhex("00000008") + answer[4:])


async def test_a_stranger_on_the_port_is_not_taken_for_the_broker(taken: int) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, HOST, 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        assert not await kafka_protocol.serves(HOST, port, "abc")
    assert not await kafka_protocol.serves(HOST, taken, "abc", seconds=0.2)


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="only root on Linux has rights to drop"
)
def test_a_server_that_left_root_still_finds_what_lies_in_a_folder_of_roots(tmp_path: Path) -> None:
    """By open(2) and by access(2), which asks with the rights of the real user: initdb does."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").touch(mode=0o600)
    look = "import os, sys; print(os.getuid(), os.access(sys.argv[1], os.R_OK)); open(sys.argv[1]).close()"
    user = ["--uid", "65534", "--gid", "65534", "--", sys.executable, "-I", "-S", "-c", look]
    parent = ["--parent", str(os.getpid()), "--signal", "15"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", shim.__file__, *parent, *user, str(closed / "file")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["65534", "True"]), done.stderr
