"""`parley poll`: the safety net below the webhooks, and the feeding in of what lies in the past."""

import asyncio
import os
import signal
import socket
from typing import Annotated

import typer
from prometheus_client import start_http_server

from connectors.accounts import Account
from connectors.clients import open_clients
from connectors.polling.access import Access
from connectors.polling.feeder import Feeder
from connectors.polling.poller import Poller
from connectors.polling.store import Store
from console import configuration
from console.servers import Servers, open_servers, prepare
from console.stages import GROUP_PREFIX
from console.supervisor import exit_with_parent
from infra import kafka, logs, metrics, postgres, settings
from infra.audit import BY_PARLEY
from infra.lag import LagReader, open_lag_reader
from infra.postgres import Connection
from infra.settings import Settings
from replies.account import AccountStatus
from schemas import codec
from schemas.topics import COMMENTS_RAW
from sinks import statuses

log = logs.get(__name__)


def poll(
    ordinal: Annotated[int, typer.Option(help="Added to the metrics port; one a process.", min=0)] = 0,
) -> None:
    """Polls the accounts for what webhooks did not bring, until SIGTERM."""
    loaded = settings.load()
    logs.configure(loaded.log_level, loaded.log_format, process="poll")
    exit_with_parent()
    if loaded.metrics_port:
        start_http_server(loaded.metrics_port + ordinal, loaded.metrics_host)
    import uvloop

    with open_servers(loaded) as servers:
        uvloop.run(run_polling(loaded, servers))


async def run_polling(loaded: Settings, servers: Servers) -> None:
    """Polls until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await prepare(servers, loaded)
    async with (
        postgres.open_pool(servers.database, size=6) as pool,
        kafka.open_publisher(servers.kafka) as publisher,
        open_clients(loaded) as clients,
        open_lag_reader(servers.kafka) as lags,
    ):
        store = Store(pool, loaded.tenant, f"{socket.gethostname()}:{os.getpid()}", stop=stop_account)
        poller = Poller(
            store,
            Access(pool, clients, configuration.key_ring(loaded)),
            publisher,
            codec.load(),
            loaded,
            count=lambda platform, what, number: metrics.POLLS.labels(platform, what).inc(number),
            problems=show_problems,
        )
        feeder = Feeder(
            servers.kafka,
            publisher,
            codec.load(),
            lag=lambda: enriching_lag(lags),
            limit=loaded.backfill_while_lag,
        )
        work = [asyncio.create_task(poller.run()), asyncio.create_task(feeder.run())]
        stopping = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait([*work, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*work, stopping):
                task.cancel()
            results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result


async def enriching_lag(lags: LagReader) -> int:
    """Records of `comments.raw` that wait to be enriched."""
    rows = await lags.read(f"{GROUP_PREFIX}.enrich", [COMMENTS_RAW.name])
    return sum(row.lag for row in rows)


async def stop_account(connection: Connection, account: Account, reason: str) -> None:
    """Nothing is sent for an account whose access is lost, until a person adds a token."""
    place = (account.tenant_id, account.platform.value, account.account_id)
    await statuses.change(
        connection,
        codec.load(),
        place,
        AccountStatus.NEEDS_AUTH,
        reason=reason,
        actor=BY_PARLEY,
    )


def show_problems(problems: dict[tuple[str, str], int]) -> None:
    """Sets the alert metric."""
    metrics.ACCOUNT_PROBLEMS.clear()
    for (platform, problem), number in problems.items():
        metrics.ACCOUNT_PROBLEMS.labels(platform, problem).set(number)
