"""What a command does on Postgres: connected, migrated, and its changes told to the workers at once."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from console.servers import Servers, create_topics, open_servers
from infra import kafka, postgres, settings
from infra.postgres import Pool
from infra.settings import Settings
from schemas.errors import EnvironmentFault, TransientError
from sinks.relay import Relay

T = TypeVar("T")
Work = Callable[[Pool, str], Awaitable[T]]
"""Takes connections and the tenant."""


def run(work: Work[T], *, announces: bool = False, migrates: bool = True) -> T:
    """Does the work on the servers that the settings name, and returns what it gives.

    `announces`: it writes to the outbox; what it wrote is on Kafka when this returns, whether a relay runs or
    not. `migrates`: the database is brought up to this release first. Raises EnvironmentFault, which says
    what to do, if Postgres is away or goes away meanwhile.
    """
    loaded = settings.load()
    with open_servers(loaded) as servers:
        return asyncio.run(run_on(servers, loaded, work, announces=announces, migrates=migrates))


async def run_on(
    servers: Servers, loaded: Settings, work: Work[T], *, announces: bool = False, migrates: bool = True
) -> T:
    """As `run`, for a command that has the servers open already."""
    try:
        async with postgres.open_pool(servers.database, size=2) as pool:
            if migrates:
                await postgres.migrate(pool)
            result = await work(pool, loaded.tenant)
    except postgres.AWAY as error:
        if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
            raise  # a file's fault, not the server's
        raise EnvironmentFault(
            f"Postgres did not answer to the end ({type(error).__name__}: {error}). Whether anything was "
            "changed is not known: look, and run the command again."
        ) from error
    if announces:
        await _announce(servers, loaded)
    return result


async def _announce(servers: Servers, loaded: Settings) -> None:
    """Publishes the outbox; where that fails, the rows wait there, and a relay publishes them later."""
    try:
        await create_topics(servers, loaded)
        await publish_outbox(servers)
    except (EnvironmentFault, TransientError) as error:
        print(
            f"parley: this is stored, but the workers do not know of it yet: {error} "
            "They are told as soon as `parley worker post` runs and reaches Kafka.",
            file=sys.stderr,
        )


async def publish_outbox(servers: Servers) -> None:
    """Publishes what waits in the outbox now, unless a running relay is at it."""
    async with (
        postgres.open_pool(servers.database, size=2) as pool,
        kafka.open_publisher(servers.kafka) as publisher,
    ):
        await Relay(pool, publisher).drain()
