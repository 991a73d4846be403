"""What is committed works on any machine: no machine's paths, no registry's host, no secrets."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THIS = "tests/packaging/test_repository.py"
LARGEST_TEXT = 2_000_000

# The words are put together here, so that this file does not name what it looks for.
HOSTS = re.compile(
    "|".join(
        r"\.".join(words)
        for words in (
            ("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"), ("proxy", "golang"),
            ("crates", "io"),
            ("docker", "io"), ("ghcr", "io"), ("quay", "io"), ("gcr", "io"), ("mcr", "microsoft"),
            ("repo1?", "maven"), ("huggingface", "co"), ("anaconda", "org"), ("files", "python"),
        )
    )
    + "|devpi|artifactory|jfrog",
    re.IGNORECASE,
)  # fmt: skip
HOSTS_ALLOWED: dict[str, str] = {}
"""File: why it may name a registry's host. Resolvers know their public registries by themselves."""

PATHS = re.compile(
    r"(?<![\w.$}/-])/(?:home|Users|root|work|mnt|workspace|private/var|tmp)/[\w.-]+|[A-Z]:\\\\?Users\\"
)
PATHS_ALLOWED: dict[str, str] = {}
"""File: why it may name an absolute path of a machine."""

SECRETS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|AKIA[0-9A-Z]{16}|\bgh[pousr]_[A-Za-z0-9]{36}"
    r"|\bxox[abp]-[0-9A-Za-z-]{20,}"
    r"|\bEAA[A-Za-z0-9]{60,}|\bsk-[A-Za-z0-9]{40,}"
)


def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    """Every tracked text file that is not a lock of hashes or this file."""
    found = {}
    for name in tracked():
        file = ROOT / name
        if name == THIS or file.stat().st_size > LARGEST_TEXT:
            continue
        content = file.read_bytes()
        if b"\0" not in content:
            found[name] = content.decode("utf-8", "replace")
    return found


def hits(pattern: re.Pattern[str], allowed: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts().items()
        if name not in allowed
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_registry_host_is_named() -> None:
    assert hits(HOSTS, HOSTS_ALLOWED) == []


def test_no_path_of_a_machine_is_named() -> None:
    assert hits(PATHS, PATHS_ALLOWED) == []


def test_no_secret_is_committed() -> None:
    assert hits(SECRETS, {}) == []


def test_nothing_that_is_made_is_committed() -> None:
    made = re.compile(
        r"(^|/)(\.venv|__pycache__|\.[a-z]+_cache|build|dist|.*\.egg-info|\.env)(/|$)|\.pyc$|\.log$"
    )
    assert [name for name in tracked() if made.search(name)] == []


@pytest.mark.parametrize("words", [("https://PYPI", "org/simple"), ("image: ghcr", "io/a/b:1")])
def test_the_search_for_hosts_finds_them(words: tuple[str, str]) -> None:
    assert HOSTS.search(".".join(words))


@pytest.mark.parametrize("line", ['open("/home/me/x")', "see /root/.cache", "C:\\Users\\me", "cd /tmp/a"])
def test_the_search_for_paths_finds_them(line: str) -> None:
    assert PATHS.search(line)


@pytest.mark.parametrize(
    "line", ["/homepage", "docs/root/x", "tmp_path / 'a'", "https://example.org/home/x", "/var/lib/parley"]
)
def test_the_search_for_paths_leaves_others_alone(line: str) -> None:
    assert not PATHS.search(line)
