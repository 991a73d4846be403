"""Kafka's jars: pinned by SHA-256, fetched once into a per-user cache, or taken from a given folder.

    python -m infra.embedded.jars FOLDER     fills FOLDER, on a machine that reaches Maven's repository

The committed list is in the form of `sha256sum` (`sha256sum -c` works inside a Maven repository folder).
Paths in it are those of a Maven repository, so `~/.m2/repository` can serve as such a folder too; a flat
folder of jars is accepted as well.
"""

import hashlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infra.embedded.download import fetch
from infra.embedded.errors import ChecksumMismatchError, DownloadFailedError
from infra.embedded.state import free_bytes, from_os_error, require_space

if TYPE_CHECKING:
    from rich.progress import Progress

PINNED = Path(__file__).with_name("kafka-jars.sha256")
CONNECTIONS = 6
ABANDONED_SECONDS = 24 * 3600.0
SPACE_NEEDED = 200_000_000
"""Jars and the JVM's start-up cache."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the list."""

    sha256: str
    path: PurePosixPath

    @property
    def coordinate(self) -> str:
        """group:artifact:version, as in Maven."""
        *group, artifact, version, _ = self.path.parts
        return f"{'.'.join(group)}:{artifact}:{version}"


def pinned(manifest: Path = PINNED) -> list[Jar]:
    """The list, in the order of the class path."""
    lines = (line.split() for line in manifest.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(digest, PurePosixPath(path)) for digest, path in lines]


def ensure_jars(
    cache: Path,
    *,
    given: Path | None = None,
    progress: "Progress | None" = None,
    manifest: Path = PINNED,
    free: Callable[[Path], int] = free_bytes,
) -> list[Path]:
    """Verified jars, ready for a class path.

    From the folder `given` when there is one, and then never from the network; else from `cache`, into which
    missing ones are fetched; `progress` shows it. Raises DownloadFailedError, ChecksumMismatchError,
    DiskFullError or StateFolderError.
    """
    wanted = pinned(manifest)
    if given is not None:
        return [_verified(jar, _find(jar, given), remedy=_refill(given)) for jar in wanted]
    folder = cache / "maven"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [jar for jar in wanted if not (folder / jar.path).is_file()]
        if missing:
            require_space(folder, free=free, needed=SPACE_NEEDED)
            _download(missing, folder, progress)
    except OSError as problem:
        raise from_os_error(problem, folder) from problem
    return [_verified(jar, folder / jar.path, remedy="Delete this file, then run again.") for jar in wanted]


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_FILL = f"{Path(sys.executable).name} -m infra.embedded.jars"
_USE = "set PARLEY_KAFKA_JARS_DIR"


def _refill(folder: Path) -> str:
    return f"Fill the folder again on a machine with a network: {_FILL} {folder}"


def _find(jar: Jar, folder: Path) -> Path:
    for path in (folder / jar.path.name, folder / jar.path):
        if path.is_file():
            return path
    raise DownloadFailedError(
        "The folder given for Kafka's jars lacks one",
        thing=str(folder / jar.path.name),
        remedy=_refill(folder),
    )


def _verified(jar: Jar, path: Path, *, remedy: str) -> Path:
    found = sha256(path)
    if found != jar.sha256:
        raise ChecksumMismatchError(
            f"This jar is not the pinned one (SHA-256 {found[:16]}…, expected {jar.sha256[:16]}…)",
            thing=str(path),
            remedy=remedy,
        )
    return path


def _download(missing: Sequence[Jar], folder: Path, progress: "Progress | None") -> None:
    """Fetches in parallel into a folder of its own; each jar appears in `folder` whole and verified."""
    for old in folder.parent.glob("fetching-*"):  # of a command that was killed
        if old.stat().st_mtime < time.time() - ABANDONED_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        dir=folder.parent, prefix="fetching-", ignore_cleanup_errors=True
    ) as temporary:
        inbox = Path(temporary)

        def bring(jar: Jar) -> None:
            got = fetch(jar.coordinate, inbox, abandoned)
            _verified(jar, got, remedy="The repository or a proxy serves another file: try another network.")
            target = folder / jar.path
            target.parent.mkdir(parents=True, exist_ok=True)
            got.replace(target)

        pool, abandoned = ThreadPoolExecutor(CONNECTIONS), threading.Event()
        try:
            with progress or nullcontext():
                task = None if progress is None else progress.add_task("Kafka's jars", total=len(missing))
                for _ in pool.map(bring, missing):
                    if progress is not None and task is not None:
                        progress.advance(task)
        except DownloadFailedError as problem:
            remedy = f"{problem.remedy} Or fill a folder elsewhere ({_FILL} FOLDER) and {_USE} to it."
            raise DownloadFailedError(problem.what, thing=problem.thing, remedy=remedy) from problem
        finally:
            abandoned.set()
            pool.shutdown(wait=False, cancel_futures=True)


def main(arguments: Sequence[str]) -> int:
    """Fills a flat folder with the pinned jars."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.embedded.jars FOLDER\n")
        return 64
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        for jar in ensure_jars(Path(cache)):
            shutil.move(jar, folder / jar.name)
    sys.stdout.write(f"{len(pinned())} jars, all as pinned, in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
