"""What is installed: locked by hash, from no address, for a reason, and without clashing with our rooms."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {"schemas", "infra", "models", "replies", "connectors", "streams", "sinks", "console", "tests"}
LOCKS = sorted(file.name for file in ROOT.glob("requirements*.lock"))
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def entries(lock: str) -> list[str]:
    """The requirements of a lock file, each with its continuation lines joined."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> set[str]:
    return {canonical(re.split(r"[=\s]", entry, maxsplit=1)[0]) for entry in entries(lock)}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_of_a_lock_is_one_exact_version_with_hashes(lock: str) -> None:
    for entry in entries(lock):
        requirement, *hashes = re.split(r"\s+(?=--hash)", entry)
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[^\s;]+(\s*;.*)?", requirement), requirement
        assert hashes, f"{requirement} has no hash"
        assert all(HASH.fullmatch(each) for each in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert " @ " not in text
    assert not re.search(
        r"^\s*(-i|-f|-e|--(index|extra-index|find-links|trusted-host|no-index|editable))", text, re.MULTILINE
    )


def test_the_development_lock_holds_the_same_versions_as_the_other() -> None:
    versions = {lock: {entry.split(" ", 1)[0] for entry in entries(lock)} for lock in LOCKS}
    assert versions["requirements.lock"] <= versions["requirements-dev.lock"]


def test_every_dependency_of_the_project_is_locked() -> None:
    for requirement in PROJECT["dependencies"]:
        (name,) = re.findall(r"^[A-Za-z0-9_.-]+", requirement)
        assert canonical(name) in locked("requirements.lock"), name


def test_every_dependency_has_its_reason_on_its_line() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = [
        line
        for requirement in PROJECT["dependencies"]
        for line in text.splitlines()
        if f'"{requirement}"' in line
    ]
    assert len(lines) == len(PROJECT["dependencies"])
    assert [line for line in lines if not re.search(r'",\s+# \S.{5,}$', line)] == []


def test_no_locked_dependency_provides_a_package_of_a_rooms_name() -> None:
    clashes = {
        room: owners
        for room, owners in importlib.metadata.packages_distributions().items()
        if room in ROOMS and set(map(canonical, owners)) - {"parley"}
    }
    assert clashes == {}


def test_what_is_installed_is_what_is_locked() -> None:
    pinned = dict(
        re.findall(
            r"^([a-z0-9-]+)==([^\s;]+)(?=[\s\\]*$)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
        )
    )
    installed = {
        canonical(each.name): each.version for each in importlib.metadata.distributions() if each.name
    }
    assert {name: installed.get(name) for name in pinned} == pinned
