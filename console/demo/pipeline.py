"""The whole product against simulated platforms: processes, first configuration, when it is ready."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx

from console import configuration, database, seeding
from console.demo import platforms, policy
from console.servers import Servers, prepare
from console.simulators import MANY
from console.supervisor import Program, Supervisor
from console.workers import GROUPS, programs
from infra import postgres
from infra.embedded.ports import free_ports, free_range
from infra.postgres import Pool
from infra.settings import Settings
from schemas import codec
from schemas.errors import EnvironmentFault


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
        """`scale`: by how much posting is faster than life, the simulators' limits twice that.

        `environment`: settings of the processes beyond those made here.
        """
        self.settings = settings
        self.scale = {"posting budget": scale, "simulated limits": scale * 2}
        self._servers = servers
        self._simulators_port = free_range(len(MANY) + 1)
        self.accounts = platforms.accounts(self._simulators_port)
        (serve_port,) = free_ports(1)
        self._serve = f"http://127.0.0.1:{serve_port}"
        beside_serve = len(GROUPS) + 1
        metrics_port = free_range(beside_serve + 1)
        self.environment = {
            **servers.environment(),
            **platforms.environment(self._simulators_port),
            "PARLEY_STATE_DIR": str(settings.state_dir),
            "PARLEY_HTTP_PORT": str(serve_port),
            "PARLEY_METRICS_PORT": str(metrics_port),
            **(environment or {}),
        }
        self._health = [
            f"http://127.0.0.1:{metrics_port + number}/health/ready" for number in range(1, len(GROUPS) + 1)
        ]

    def programs(self, journals: Path) -> list[Program]:
        """The simulators, which keep their journals in that folder, and the processes of `parley up`."""
        simulate = Program(
            name="simulators",
            arguments=(
                *("simulate", "all", "--port", str(self._simulators_port), "--callback", self._serve),
                *("--journal", str(journals), "--scale", str(self.scale["simulated limits"])),
            ),
            environment=self.environment,
        )
        return [simulate, *programs(self.environment)]

    async def set_up(self) -> None:
        """Topics, tables and the accounts; raises EnvironmentFault where real accounts are."""
        settings, servers = self.settings, self._servers
        await prepare(servers, settings)
        async with postgres.open_pool(servers.database, size=2) as pool:
            await self._refuse_real_accounts(pool)
            await seeding.seed(pool, codec.load(), settings.tenant)
            await policy.keep_current(pool, settings.tenant)
            await seeding.announce_all(pool, codec.load(), settings.tenant)
            keys = configuration.key_ring(settings)
            for account in self.accounts:
                budget = settings.replies_per_minute
                if account.replies_per_minute is not None:
                    budget = min(budget, account.replies_per_minute)
                await configuration.save_account(
                    pool,
                    codec.load(),
                    account.view(settings.tenant),
                    token=account.token,
                    username=account.username,
                    keys=keys,
                    replies_per_minute=budget * self.scale["posting budget"],
                    actor=policy.BY_DEMO,
                )
        await database.publish_outbox(servers)

    async def _refuse_real_accounts(self, pool: Pool) -> None:
        others = await pool.fetchval(
            "select count(*) from social_accounts where not (platform || ':' || account_id = any($1))",
            [f"{each.platform}:{each.account_id}" for each in self.accounts],
        )
        if others:
            raise EnvironmentFault(
                "The demo would post for real accounts to its simulated platforms: the database that "
                "DATABASE_URL names has accounts of its own. Unset it, or name an empty database."
            )

    async def still_waits_for(self, http: httpx.AsyncClient) -> str | None:
        """What does not answer yet; None when webhooks are taken and every stage has its partitions."""
        waiting = "the simulators"
        with contextlib.suppress(httpx.HTTPError):
            (await http.get(f"{self.accounts[-1].url}/sim/state")).raise_for_status()
            waiting = "the webhook endpoint"
            (await http.get(f"{self._serve}/health/ready")).raise_for_status()
            waiting = "the stages"
            for url in self._health:
                (await http.get(url)).raise_for_status()
            return None
        return waiting


@contextlib.asynccontextmanager
async def supervised(supervisor: Supervisor) -> AsyncIterator[None]:
    """The programs run while the block does."""
    running = asyncio.create_task(supervisor.run())
    try:
        yield
    finally:
        await supervisor.stop()
        await asyncio.gather(running, return_exceptions=True)
