"""The Kafka and the Postgres that a command works on: those the settings name, or the embedded ones."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from infra import kafka, postgres
from infra.embedded.locks import FileLock
from infra.embedded.stack import EmbeddedStack
from infra.settings import Settings
from schemas import topics
from schemas.errors import EnvironmentFault

_SILENT: Final = 1.5
"""Seconds after which a person is told what is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where they are.

    `kept_open`: file descriptors by which child processes keep embedded servers up until they have drained,
    should their parent be killed.
    """

    kafka: str
    database: str
    kept_open: tuple[int, ...] = ()

    def environment(self) -> dict[str, str]:
        """Variables that point a child process at the same servers."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.kafka, "DATABASE_URL": self.database}


@contextlib.contextmanager
def alone(settings: Settings, what: str) -> Iterator[None]:
    """Held by a command that runs once on a state folder at a time; the second raises EnvironmentFault."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.state_dir / f"{what}.lock")
    try:
        if not lock.try_exclusive():
            raise EnvironmentFault(
                f"Another `parley {what}` runs on {settings.state_dir}. Stop it first, or give this one "
                "a folder and ports of its own: PARLEY_STATE_DIR, PARLEY_HTTP_PORT, PARLEY_METRICS_PORT."
            )
        yield
    finally:
        lock.close()


@contextlib.contextmanager
def open_servers(settings: Settings) -> Iterator[Servers]:
    """The servers, ready; embedded ones are started or joined, and stopped when their last user leaves."""
    given_kafka, given_database = settings.kafka_bootstrap_servers, settings.database_url
    if given_kafka and given_database:
        yield Servers(kafka=given_kafka, database=given_database)
        return
    stack = EmbeddedStack(
        settings.state_dir,
        cache_dir=settings.cache_dir,
        jars_dir=settings.kafka_jars_dir,
        kafka=not given_kafka,
        postgres=not given_database,
    )
    waiting = threading.Timer(_SILENT, _say_what_is_waited_for)
    waiting.start()
    try:
        endpoints = stack.acquire()
    finally:
        waiting.cancel()
    try:
        yield Servers(
            kafka=given_kafka or endpoints.kafka,
            database=given_database or endpoints.postgres,
            kept_open=() if stack.lock_fd is None else (stack.lock_fd,),
        )
    finally:
        stack.release()


def _say_what_is_waited_for() -> None:
    if sys.stderr.isatty():
        print("Starting Kafka and PostgreSQL ...", file=sys.stderr)


async def prepare(servers: Servers, settings: Settings) -> None:
    """Creates missing topics and applies missing migrations."""
    await create_topics(servers, settings)
    async with postgres.open_pool(servers.database, size=1) as pool:
        await postgres.migrate(pool)


async def create_topics(servers: Servers, settings: Settings) -> list[str]:
    """Creates those of Parley's topics that are missing; returns their names."""
    return await kafka.create_topics(
        servers.kafka,
        list(topics.ALL.values()),
        partitions=settings.topic_partitions,
        replication_factor=settings.topic_replication_factor,
    )
