"""`parley up|worker|serve|simulate|migrate`: the processes of Parley."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from console import database, seeding
from console.servers import Servers, alone, open_servers, prepare
from console.stages import STAGE_INPUTS
from console.supervisor import Program, Supervisor, exit_with_parent
from infra import logs, postgres, settings
from infra.settings import Settings
from schemas.errors import ConfigurationError, EnvironmentFault
from schemas.events import Platform

GROUPS: Final[tuple[tuple[str, ...], ...]] = (("enrich",), ("draft", "decide"), ("postgres",), ("post",))
"""Stages by process on a small machine; `parley up` and the demo run these beside `parley serve`."""

_ASK_AGAIN: Final = 0.5
"""Seconds between two questions whether a process is ready."""

log = logs.get(__name__)


def programs(environment: Mapping[str, str]) -> list[Program]:
    """The children of `parley up`: webhooks, a worker for each group of stages, and polling."""
    workers = [
        Program(
            name="-".join(stages),
            arguments=("worker", *stages, "--instance-id", "0", "--ordinal", str(ordinal)),
            environment=environment,
        )
        for ordinal, stages in enumerate(GROUPS, 1)
    ]
    polling = Program(
        name="poll", arguments=("poll", "--ordinal", str(len(GROUPS) + 1)), environment=environment
    )
    serving = Program(name="serve", arguments=("serve",), environment=environment)
    return [serving, *workers, polling]


def up() -> None:
    """Runs everything on this machine: webhooks, every stage, the poster; restarts what fails."""
    loaded = settings.load()
    logs.configure(loaded.log_level, loaded.log_format, process="up")
    log.info("starting: servers, models, stages; it takes about half a minute")
    with alone(loaded, "up"), open_servers(loaded) as servers:
        raise typer.Exit(asyncio.run(_up(loaded, servers)))


async def _up(loaded: Settings, servers: Servers) -> int:
    await prepare(servers, loaded)
    await seeding.announce_configuration(servers, loaded)
    supervisor = Supervisor(
        programs(servers.environment()), keep_open=servers.kept_open, stop_within=loaded.drain_seconds + 5
    )
    running = asyncio.create_task(supervisor.run())
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    stopping = asyncio.create_task(stopped.wait())
    telling = asyncio.create_task(_tell_when_ready(loaded))
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    if stopped.is_set():
        await supervisor.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return 0
    stopping.cancel()
    return running.result()


async def _tell_when_ready(loaded: Settings) -> None:
    """Logs one line once the API and (where they have metrics) all stages answer that they are ready."""
    api = f"http://{loaded.http_host}:{loaded.http_port}"
    metrics = {
        "-".join(stages): f"http://{loaded.metrics_host}:{loaded.metrics_port + ordinal}"
        for ordinal, stages in enumerate(GROUPS, 1)
        if loaded.metrics_port
    }
    await ready([api, *metrics.values()])
    log.info("ready", api=f"{api}/api", **{name: f"{url}/metrics" for name, url in metrics.items()})


async def ready(processes: Sequence[str]) -> None:
    """Returns once each of these (by their HTTP addresses) has answered `/health/ready` with 200."""
    async with httpx.AsyncClient(trust_env=False, timeout=_ASK_AGAIN) as client:
        for address in processes:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{address}/health/ready")).status_code == httpx.codes.OK:
                        break
                await asyncio.sleep(_ASK_AGAIN)


def worker(
    stages: Annotated[list[str], typer.Argument(help=f"One or more of: {', '.join(STAGE_INPUTS)}")],
    instance_id: Annotated[
        str | None, typer.Option(help="Static group membership: a restart then moves no partitions.")
    ] = None,
    ordinal: Annotated[int, typer.Option(help="Added to the metrics port; one a process.", min=0)] = 0,
) -> None:
    """Runs stages in this process, until SIGTERM."""
    unknown = [name for name in stages if name not in STAGE_INPUTS]
    if unknown:
        raise ConfigurationError(
            f"There is no stage {', '.join(unknown)}. Stages: {', '.join(STAGE_INPUTS)}."
        )
    loaded = settings.load(**({"instance_id": instance_id} if instance_id is not None else {}))
    logs.configure(loaded.log_level, loaded.log_format, process="-".join(stages))
    exit_with_parent()
    with open_servers(loaded) as servers:
        from console import (
            compose,  # loads the model's libraries: not before it is known that they are needed
        )

        raise typer.Exit(compose.run_worker(stages, loaded, servers, ordinal=ordinal))


def serve() -> None:
    """Receives the platforms' webhooks and serves the API, over HTTP."""
    loaded = settings.load()
    logs.configure(loaded.log_level, loaded.log_format, process="serve")
    exit_with_parent()
    import uvicorn

    from console import serving

    with open_servers(loaded) as servers:
        url = f"http://{loaded.http_host}:{loaded.http_port}"
        log.info("serving", webhooks=f"{url}/webhooks/{{{','.join(Platform)}}}", api=f"{url}/api")
        config = uvicorn.Config(
            serving.webhook_app(loaded, servers),
            host=loaded.http_host,
            port=loaded.http_port,
            log_config=None,
            access_log=False,
            http="httptools",
            loop="uvloop",
            timeout_graceful_shutdown=int(loaded.drain_seconds),
        )
        try:
            uvicorn.Server(config).run()
        except SystemExit as ended:  # uvicorn's way to say that it cannot listen; it has logged why
            raise EnvironmentFault(
                f"{url} cannot be listened on (the log line above says why). Stop what listens there, or set "
                "PARLEY_HTTP_HOST and PARLEY_HTTP_PORT."
            ) from ended


def migrate() -> None:
    """Brings the database up to this release's tables."""
    done = database.run(lambda pool, _tenant: postgres.migrate(pool), migrates=False)
    print("\n".join(f"applied {name}" for name in done) or "the database is up to date")


def simulate(
    platform: Annotated[str, typer.Argument(help="Which platform; openai for a language model; all.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; of all, the first of five.")] = 9001,
    callback: Annotated[
        str | None, typer.Option(help="Where webhooks are sent; of all, where parley serve is.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="File for what it saw and did, as JSON lines; of all, a folder.")
    ] = None,
    scale: Annotated[
        float, typer.Option(help="Limits per time are multiplied by it; 1 is life.", min=0.01)
    ] = 1.0,
) -> None:
    """Runs a platform's simulator, for developing and trying: `POST /sim/comments` makes people comment."""
    from console import simulators

    if platform not in (*simulators.SIMULATORS, "openai", "all"):
        known = ", ".join((*simulators.SIMULATORS, "openai", "all"))
        raise ConfigurationError(f"There is no simulator of {platform}; there are: {known}.")
    loaded = settings.load()
    logs.configure(loaded.log_level, loaded.log_format, process=f"simulate-{platform}")
    exit_with_parent()
    import uvloop

    if platform == "openai":
        from console import simulating

        uvloop.run(simulating.run_language_model(simulating.configured(journal, scale), port))
        return
    wanted = simulators.Wanted(callback=callback, journal=journal, scale=scale)
    if platform == "all":
        uvloop.run(simulators.run_all(loaded, wanted, port))
    else:
        uvloop.run(simulators.run(platform, loaded, wanted, port))
