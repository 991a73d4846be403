"""The supervisor on real processes: stand-ins for `parley`, so that each can be told how to behave."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from console.supervisor import Program, Supervisor

CHILD = """
import os, signal, sys, time
from console.supervisor import exit_with_parent
what, folder = sys.argv[1], sys.argv[2]
with open(f"{folder}/starts", "a") as file:
    file.write(f"{os.getpid()}\\n")
if what == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
exit_with_parent()
if what.startswith("exit"):
    print("last words of a child", file=sys.stderr)
    sys.exit(int(what[4:]))
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def child_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children run the stand-in instead of the command line."""
    real = asyncio.create_subprocess_exec

    async def stand_in(python: str, _m: str, _module: str, *arguments: str, **rest: object) -> object:
        return await real(python, "-c", CHILD, *arguments, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", stand_in)


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


def starts(folder: Path) -> list[int]:
    file = folder / "starts"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


async def test_a_child_that_ends_is_started_again_and_its_last_words_are_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, str]] = []
    watched = Supervisor(
        [Program(name="crashes", arguments=("exit75", str(tmp_path)))],
        log_dir=tmp_path,
        failed=lambda *words: told.append(words),
    )
    running = asyncio.create_task(watched.run())
    await until(lambda: len(starts(tmp_path)) >= 3)
    await watched.stop()
    await asyncio.wait_for(running, 20)
    assert told[0] == ("crashes", 75, "last words of a child")
    assert watched.restarts >= 2


async def test_a_child_that_a_restart_cannot_mend_stays_down_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    told: list[int] = []
    other = Program(name="good", arguments=("sleep", str(tmp_path / "good")))
    halted = Program(name="halted", arguments=("exit70", str(tmp_path)))
    watched = Supervisor(
        [other, halted], log_dir=tmp_path, failed=lambda _name, code, _words: told.append(code)
    )
    running = asyncio.create_task(watched.run())
    await until(lambda: told and starts(tmp_path / "good"))
    await asyncio.sleep(1)  # twice the first pause before a restart
    assert psutil.pid_exists(starts(tmp_path / "good")[0])
    assert (told, len(starts(tmp_path))) == ([70], 1)
    await watched.stop()
    assert await asyncio.wait_for(running, 20) == 70


async def test_the_run_ends_when_no_child_is_left(tmp_path: Path) -> None:
    watched = Supervisor([Program(name="halted", arguments=("exit78", str(tmp_path)))], log_dir=tmp_path)
    assert await asyncio.wait_for(watched.run(), 20) == 78


async def test_stop_kills_a_child_that_does_not_drain_in_time(tmp_path: Path) -> None:
    watched = Supervisor(
        [Program(name="deaf", arguments=("deaf", str(tmp_path)))], log_dir=tmp_path, stop_within=0.5
    )
    running = asyncio.create_task(watched.run())
    await until(lambda: starts(tmp_path))
    await watched.stop()
    await asyncio.wait_for(running, 20)
    assert not psutil.pid_exists(starts(tmp_path)[0])


async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from console import supervisor as module\n"
        "real = asyncio.create_subprocess_exec\n"
        f"CHILD = {CHILD!r}\n"
        "async def stand_in(python, m, name, *arguments, **rest):\n"
        "    return await real(python, '-c', CHILD, *arguments, **rest)\n"
        "asyncio.create_subprocess_exec = stand_in\n"
        f"program = module.Program(name='a', arguments=('sleep', {str(tmp_path)!r}))\n"
        "asyncio.run(module.Supervisor([program]).run())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    try:
        await until(lambda: starts(tmp_path))
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
        await until(lambda: not psutil.pid_exists(starts(tmp_path)[0]))
    finally:
        parent.kill()


async def test_a_child_that_waits_to_be_started_again_is_not_started_once_all_is_stopped(
    tmp_path: Path,
) -> None:
    fell = asyncio.Event()
    supervisor = Supervisor(
        [Program(name="weak", arguments=("exit75", str(tmp_path)), environment={})],
        failed=lambda *_: fell.set(),
    )
    running = asyncio.create_task(supervisor.run())
    await fell.wait()
    await supervisor.stop()
    assert await asyncio.wait_for(running, 10) == 0
    assert len((tmp_path / "starts").read_text().split()) == 1


async def test_a_child_that_is_being_started_when_all_is_stopped_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, begun, go_on = asyncio.create_subprocess_exec, asyncio.Event(), asyncio.Event()

    async def slow(*arguments: str, **rest: object) -> object:
        begun.set()
        await go_on.wait()
        return await start(*arguments, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow)
    supervisor = Supervisor([Program(name="slow", arguments=("sleep", str(tmp_path)), environment={})])
    running = asyncio.create_task(supervisor.run())
    await begun.wait()
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait_for(stopping, 20)
    assert await asyncio.wait_for(running, 10) == 0
    assert not supervisor.pids()
