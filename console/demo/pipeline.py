"""The whole product against a simulated page: processes, first configuration, when it is ready."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import httpx

from connectors.facebook.simulator.config import SimulatorConfig
from console import configuration, seeding
from console.servers import Servers, prepare
from console.supervisor import Program, Supervisor
from console.workers import GROUPS, programs
from infra import postgres
from infra.embedded.ports import free_ports, free_range
from infra.settings import Settings
from replies.account import AccountView, Mode
from schemas import codec
from schemas.errors import EnvironmentFault
from schemas.events import Platform


class Pipeline:
    """Processes, addresses and secrets of one run; nothing is started here but by `set_up`."""

    def __init__(
        self,
        settings: Settings,
        servers: Servers,
        *,
        scale: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`scale`: by how much posting is faster than life, the simulator's limits twice that.

        `environment`: settings of the processes beyond those made here.
        """
        self.page = SimulatorConfig()
        self.scale = {"posting budget": scale, "simulated limits": scale * 2}
        self._servers = servers
        self._simulator_port, serve_port = free_ports(2)
        metrics_port = free_range(len(GROUPS) + 1)
        self.url = f"http://127.0.0.1:{self._simulator_port}"
        self.settings = settings.model_copy(
            update={
                "facebook_graph_url": self.url,
                "http_port": serve_port,
                "replies_per_minute": settings.replies_per_minute * scale,
            }
        )
        self.environment = {
            **servers.environment(),
            "PARLEY_STATE_DIR": str(settings.state_dir),
            "PARLEY_FACEBOOK_GRAPH_URL": self.url,
            "PARLEY_FACEBOOK_APP_SECRET": secrets.token_hex(16),
            "PARLEY_FACEBOOK_VERIFY_TOKEN": secrets.token_hex(8),
            "PARLEY_HTTP_PORT": str(serve_port),
            "PARLEY_METRICS_PORT": str(metrics_port),
            **(environment or {}),
        }
        self._health = [
            f"http://127.0.0.1:{metrics_port + number}/health/ready" for number in range(1, len(GROUPS) + 1)
        ]
        self._callback = f"http://127.0.0.1:{serve_port}/webhooks/facebook"

    def programs(self, journal: Path) -> list[Program]:
        """The simulator, which keeps the journal, and the processes of `parley up`."""
        simulate = Program(
            name="simulator",
            arguments=(
                *("simulate", "facebook", "--port", str(self._simulator_port), "--callback", self._callback),
                *("--journal", str(journal), "--scale", str(self.scale["simulated limits"])),
            ),
            environment=self.environment,
        )
        return [simulate, *programs(self.environment)]

    async def set_up(self) -> None:
        """Topics, tables and the page's account; raises EnvironmentFault where real accounts are."""
        settings, servers = self.settings, self._servers
        await prepare(servers, settings)
        async with postgres.open_pool(servers.database, size=2) as pool:
            others = await pool.fetchval(
                "select count(*) from social_accounts where account_id <> $1", self.page.page_id
            )
            if others:
                raise EnvironmentFault(
                    "The demo would post for real accounts to its simulated page: the database that "
                    "DATABASE_URL names has accounts of its own. Unset it, or name an empty database."
                )
            await seeding.seed(pool, codec.load(), settings.tenant)
            await seeding.announce_all(pool, codec.load(), settings.tenant)
            await configuration.save_account(
                pool,
                codec.load(),
                AccountView(
                    tenant_id=settings.tenant,
                    platform=Platform.FACEBOOK,
                    account_id=self.page.page_id,
                    name="Café Lumbre",
                    brand_name="Café Lumbre",
                    mode=Mode.AUTO,
                    default_language="es",
                ),
                token=self.page.page_token,
                keys=configuration.key_ring(settings),
                replies_per_minute=settings.replies_per_minute,
                actor="parley demo",
            )
        await seeding.publish_outbox(servers)

    async def still_waits_for(self, simulator: httpx.AsyncClient) -> str | None:
        """What does not answer yet; None when webhooks are answered and every stage has its partitions."""
        handshake = {
            "hub.mode": "subscribe",
            "hub.challenge": "1",
            "hub.verify_token": self.environment["PARLEY_FACEBOOK_VERIFY_TOKEN"],
        }
        waiting = "the simulator"
        with contextlib.suppress(httpx.HTTPError):
            (await simulator.get("/sim/state")).raise_for_status()
            waiting = "the webhook endpoint"
            (await simulator.get(self._callback, params=handshake)).raise_for_status()
            waiting = "the stages"
            for url in self._health:
                (await simulator.get(url)).raise_for_status()
            return None
        return waiting

    async def add_comments(self, simulator: httpx.AsyncClient, comments: Sequence[Mapping[str, str]]) -> None:
        """People comment on the page; each comment as `POST /sim/comments` takes it."""
        # Escaped by json.dumps: a lone surrogate in a text has no UTF-8 form.
        content = json.dumps({"comments": list(comments)})
        (await simulator.post("/sim/comments", content=content)).raise_for_status()


@contextlib.asynccontextmanager
async def supervised(supervisor: Supervisor) -> AsyncIterator[None]:
    """The programs run while the block does."""
    running = asyncio.create_task(supervisor.run())
    try:
        yield
    finally:
        await supervisor.stop()
        await asyncio.gather(running, return_exceptions=True)
