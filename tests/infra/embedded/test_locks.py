"""File locks between processes."""

import subprocess
import sys
from pathlib import Path

from infra.embedded.locks import FileLock, is_held


def test_shared_holders_keep_an_exclusive_one_out_until_the_last_is_gone(tmp_path: Path) -> None:
    one, other, alone = (FileLock(tmp_path / "lock") for _ in range(3))
    assert one.try_shared()
    assert other.try_shared()
    assert not alone.try_exclusive()
    one.close()
    assert not alone.try_exclusive()
    other.close()
    assert alone.try_exclusive()
    assert not FileLock(tmp_path / "lock").shared(seconds=0.1)
    alone.unlock()
    assert FileLock(tmp_path / "lock").shared(seconds=0.1)


def test_a_lock_handed_to_another_program_is_held_until_that_ends(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert lock.try_exclusive()
    reader = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    holder = subprocess.Popen(reader, stdin=subprocess.PIPE, pass_fds=[lock.fd])
    stranger = subprocess.Popen(reader, stdin=subprocess.PIPE)
    lock.close()
    assert is_held(tmp_path / "lock")
    holder.communicate()
    assert not is_held(tmp_path / "lock")
    stranger.communicate()


def test_asking_for_a_lock_that_never_was_creates_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")
    assert not list(tmp_path.iterdir())
