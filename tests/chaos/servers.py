"""A real Kafka and a real Postgres of the run's own, stopped and started again on their ports."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from console.servers import Servers
from infra.embedded.jars import ensure_jars
from infra.embedded.jvm import Jvm
from infra.embedded.kafka import KafkaServer
from infra.embedded.postgres import PostgresServer
from infra.embedded.state import StateFolder
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Breakable:
    """Both servers; nobody starts them again but this run."""

    kafka: KafkaServer
    postgres: PostgresServer

    @property
    def addresses(self) -> Servers:
        """Where they listen; the ports stay."""
        return Servers(kafka=self.kafka.address, database=self.postgres.address)


@contextlib.asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[Breakable]:
    """Both started in `folder`, stopped at the end."""
    loaded = Settings()
    state = StateFolder(folder.absolute() / "servers")
    state.prepare()
    jars = await asyncio.to_thread(ensure_jars, loaded.cache_dir, given=loaded.kafka_jars_dir)
    made = Breakable(KafkaServer(state, Jvm(jars, loaded.cache_dir)), PostgresServer(state))
    try:
        await asyncio.gather(made.kafka.start(), made.postgres.start())
        yield made
    finally:
        await asyncio.gather(made.kafka.stop(), made.postgres.stop(), return_exceptions=True)
