"""Fetches one jar from Maven's repository through jgo, which knows its address and the user's settings."""

import logging
import threading
from pathlib import Path

from infra.embedded.errors import DownloadFailedError

TRIES = 3
TIMEOUT_SECONDS = 20


def fetch(coordinate: str, folder: Path, abandoned: threading.Event) -> Path:
    """Brings `group:artifact:version` below `folder`; tries a few times, unless `abandoned`.

    Repositories in jgo's own settings file, such as a company mirror, are asked besides Maven's central one;
    HTTP proxies and certificates come from the usual environment variables. Raises DownloadFailedError.
    """
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    logging.getLogger("jgo").setLevel(logging.ERROR)
    repositories = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    problem: Exception | None = None
    for attempt in range(TRIES):
        if abandoned.wait(attempt):
            break
        context = MavenContext(repo_cache=folder, remote_repos=repositories, timeout=TIMEOUT_SECONDS)
        artifact = context.create_dependency(coordinate).artifact
        try:
            return artifact.resolve()
        except (OSError, RuntimeError) as failed:  # requests' errors are OSErrors
            problem = failed
            if (part := artifact.cached_path) is not None:
                part.unlink(missing_ok=True)
            if isinstance(failed, OSError) and failed.errno in (28, 122):  # disk full, quota
                raise
    raise DownloadFailedError(
        f"A jar of Apache Kafka could not be downloaded ({type(problem).__name__}: {_root(problem)})",
        thing=coordinate,
        remedy="Check the network; behind a proxy, set HTTPS_PROXY.",
    ) from problem


def _root(problem: BaseException | None) -> str:
    """What the deepest of a chain of errors says: "Connection refused", not how the library got there."""
    while problem is not None and (deeper := problem.__cause__ or problem.__context__) is not None:
        problem = deeper
    return str(problem)
