"""Writes the committed list of Kafka's jars anew, for a newer Kafka.

    python -m infra.embedded.pin 4.4.0

Run it when a new version is to be used, read what changed in the list, and let the tests judge the broker.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.embedded.jars import PINNED, sha256

LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl"
"""Routes what Kafka logs to log4j; Kafka's own distribution adds it, its Maven description does not."""

HEADER = """\
# Apache Kafka {version} (org.apache.kafka:kafka_2.13), what it needs at run time, and log4j-slf4j-impl, which
# routes its log to log4j. Written by infra.embedded.pin; sha256sum -c reads it, in a Maven repository folder.
"""


def pin(version: str, manifest: Path = PINNED) -> int:
    """Resolves and fetches one version of Kafka, writes the list, returns how many jars it has."""
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder)
        context = MavenContext(repo_cache=repository)
        kafka = context.create_dependency(f"org.apache.kafka:kafka_2.13:{version}")
        found, needed = context.resolver.resolve([kafka])
        log4j = next(one.version for one in needed if one.artifactId == "log4j-core")
        wanted = (*found, *needed, context.create_dependency(f"{LOGGING}:{log4j}"))
        unique = dict.fromkeys(one.artifact.resolve() for one in wanted)
        lines = [f"{sha256(path)}  {path.relative_to(repository).as_posix()}\n" for path in unique]
    manifest.write_text(HEADER.format(version=version) + "".join(lines))
    return len(lines)


def main(arguments: Sequence[str]) -> int:
    """One argument, the version."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.embedded.pin VERSION\n")
        return 64
    sys.stdout.write(f"{pin(arguments[0])} jars pinned in {PINNED}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
