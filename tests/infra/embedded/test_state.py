"""The servers' folder: what is refused, and what the messages say."""

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from infra.embedded import errors
from infra.embedded.state import Endpoints, StateFolder, from_os_error, require_space


def test_endpoints_are_read_back_and_private(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    assert state.read_endpoints() is None
    state.write_endpoints(Endpoints(kafka="127.0.0.1:1", postgres="postgresql://x"))
    assert state.read_endpoints() == Endpoints(kafka="127.0.0.1:1", postgres="postgresql://x")
    assert state.endpoints_file.stat().st_mode & 0o777 == 0o600


def test_endpoints_of_a_guard_that_is_gone_do_not_count(tmp_path: Path) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    state = StateFolder(tmp_path)
    state.endpoints_file.write_text(json.dumps({"kafka": "x", "postgres": "y", "guard": gone.pid}))
    assert state.read_endpoints() is None


def test_a_folder_with_foreign_files_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("")
    with pytest.raises(errors.StateFolderError, match=r"not Parley's: .*thesis\.odt\nChoose an empty"):
        StateFolder(tmp_path).prepare()


def test_preparing_twice_is_fine(tmp_path: Path) -> None:
    StateFolder(tmp_path / "a" / "b").prepare()
    StateFolder(tmp_path / "a" / "b").prepare()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_a_name(number: int, tmp_path: Path) -> None:
    problem = OSError(number, os.strerror(number), "/somewhere/file")
    assert isinstance(from_os_error(problem, tmp_path), errors.DiskFullError)


def test_a_folder_below_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.StateFolderError, match=r"Not a directory\): .*file/servers"):
        StateFolder(tmp_path / "file" / "servers").prepare()


def test_enough_space_passes(tmp_path: Path) -> None:
    require_space(tmp_path, free=lambda _: 10**12)


@pytest.mark.parametrize("kind", [*errors._TYPES.values(), errors.EmbeddedStackError])
def test_an_error_crosses_processes_whole(kind: type[errors.EmbeddedStackError]) -> None:
    sent = kind("What happened", thing="/to/this", remedy="Do that.")
    received = errors.from_record(sent.as_record())
    assert type(received) is kind
    assert str(received) == str(sent) == "What happened: /to/this\nDo that."
    assert received.exit_code == 69
