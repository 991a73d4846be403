"""What a run stands on: the processes, the simulator's requests, the command line, and waiting for things."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx

from connectors.accounts import Account
from console.demo.pipeline import supervised
from console.servers import Servers, prepare
from console.stages import GROUP_PREFIX, STAGE_INPUTS
from console.supervisor import Program, Supervisor
from console.workers import programs
from infra import postgres
from infra.embedded.ports import free_ports, free_range
from infra.lag import open_lag_reader
from infra.settings import Settings, load
from schemas.events import Platform
from tests.integration.completeness.places import PLACES

_PROCESSES: Final = ("serve", "enrich", "postgres", "poll")
_PATIENCE: Final = 180.0
"""Seconds that any one thing may take on a loaded machine."""


class Ground:
    """One platform's; everything is there while the block of `standing` lasts."""

    def __init__(self, platform: Platform, folder: Path, servers: Servers, *, scale: float) -> None:
        self.platform = platform
        self.place = PLACES[platform]
        self.servers = servers
        self.journal = folder / "journal.jsonl"
        self.ends: Counter[str] = Counter()
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True)
        port, serve_port = free_ports(2)
        self._url, self._serve = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{serve_port}"
        self._environment = {
            **servers.environment(),
            **self.place.settings(self._url),
            "PARLEY_STATE_DIR": str(folder / "state"),
            "PARLEY_HTTP_PORT": str(serve_port),
            "PARLEY_METRICS_PORT": str(free_range(8)),
            # what left without a word is missed sooner: a run follows upon another on the same broker
            "PARLEY_SESSION_TIMEOUT": "6",
        }
        simulate = Program(
            name="simulator",
            arguments=(
                *("simulate", platform.value, "--port", str(port), "--journal", str(self.journal)),
                *("--callback", f"{self._serve}/webhooks/{platform.value}", "--scale", str(scale)),
            ),
            environment=self._environment,
        )
        self._supervisor = Supervisor(
            [simulate, *(each for each in programs(self._environment) if each.name in _PROCESSES)],
            log_dir=self._logs,
            stop_within=20,
            failed=self._ended,
        )

    @contextlib.asynccontextmanager
    async def standing(self) -> AsyncIterator[None]:
        """The account is added with its first token, and everything listens."""
        settings = self.settings()
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        await prepare(self.servers, settings)
        async with (
            postgres.open_pool(self.servers.database, size=3) as self.pool,
            httpx.AsyncClient(base_url=self._url, timeout=120, trust_env=False) as self.simulator,
        ):
            await self.add_account(self.place.token)
            async with supervised(self._supervisor):
                await self.until("everything listens", self._listens)
                yield

    def settings(self) -> Settings:
        """The processes' settings."""
        prefix = "PARLEY_"
        ours = {
            name.removeprefix(prefix).lower(): value
            for name, value in self._environment.items()
            if name.startswith(prefix)
        }
        return load(**ours)

    def account(self) -> Account:
        """As the connectors know it."""
        return Account(
            tenant_id=self.settings().tenant,
            platform=self.platform,
            account_id=self.place.account_id,
            username=self.place.username,
        )

    # --- the command line ---

    async def add_account(self, token: str) -> None:
        """`parley accounts add`: the first time, and when the token is renewed."""
        handle = ("--username", self.place.username) if self.place.username else ()
        who = (self.platform.value, self.place.account_id, "--name", "Café Lumbre", *handle)
        await self._parley("accounts", "add", *who, "--mode", "observe", "--days", "0", said=token)

    async def listed_account(self) -> dict[str, Any]:
        """The account as `parley accounts list --json` shows it."""
        rows = [json.loads(line) for line in (await self._parley("accounts", "list", "--json")).splitlines()]
        return next(row for row in rows if row["account_id"] == self.place.account_id)

    async def _parley(self, *arguments: str, said: str = "") -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console.main", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self._environment},
        )
        printed, complaint = await process.communicate(said.encode())
        assert process.returncode == 0, complaint.decode()[-2000:]
        return printed.decode()

    # --- the simulator ---

    async def comment(self, texts: list[str]) -> list[str]:
        """People comment; the ids."""
        found = await self._post("/sim/comments", {"comments": [{"text": text} for text in texts]})
        return list(found["ids"])

    async def happen(self, name: str, what: str, text: str = "") -> None:
        """Something happens to a comment: edit, remove, hide, staff_reply."""
        await self._post(f"/sim/comments/{name}/{what}", {"text": text})

    async def fault(self, name: str, **options: float | None) -> None:
        """Switches a fault on."""
        given = {key: value for key, value in options.items() if value is not None}
        await self._post("/sim/faults", {"name": name, **given})

    async def no_fault(self, name: str) -> None:
        """Switches a fault off."""
        (await self.simulator.delete(f"/sim/faults/{name}")).raise_for_status()

    async def ask(self, path: str, key: str) -> Any:
        """Something that the simulator tells of itself."""
        return (await self.simulator.get(path)).raise_for_status().json()[key]

    async def _post(self, path: str, content: object) -> Any:
        return (await self.simulator.post(path, json=content)).raise_for_status().json()

    # --- the processes ---

    async def poll_soon(self) -> None:
        """The account is due now, instead of after its interval."""
        await self.pool.execute("update account_polls set next_poll_at = now()")

    async def polled(self) -> None:
        """Returns after a whole poll that began after this call."""
        asked_at = await self.pool.fetchval("select now()")
        await self.poll_soon()

        async def done() -> bool:
            return bool(
                await self.pool.fetchval(
                    "select last_attempt_at > $1 and last_good_at > last_attempt_at from account_polls",
                    asked_at,
                )
            )

        await self.until("the account is polled", done, again=self.poll_soon)

    def kill(self, name: str) -> bool:
        """SIGKILL; False if the process was down just then. A killed poller's lease ends by `release`."""
        pid = self._supervisor.pids().get(name)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    async def release(self) -> None:
        """A killed poller's lease ends now, instead of after its two minutes."""
        await self.pool.execute("update account_polls set leased_until = now(), lease_holder = null")

    def _ended(self, name: str, code: int, words: str) -> None:
        self.ends[f"{name}: {signal.Signals(-code).name if code < 0 else f'exit {code} {words}'}"] += 1

    # --- waiting ---

    async def until(
        self,
        what: str,
        condition: Callable[[], Awaitable[bool]],
        *,
        again: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Returns once the condition holds; meanwhile does `again` every few seconds."""
        deadline, asked = time.monotonic() + _PATIENCE, time.monotonic()
        while not await condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain until {what}; the logs are in {self._logs}")
            if again and time.monotonic() - asked > 4:
                asked = time.monotonic()
                await again()
            await asyncio.sleep(0.1)

    async def answers(self) -> bool:
        """True while the receiver does."""
        with contextlib.suppress(httpx.HTTPError):
            return (await self.simulator.get(f"{self._serve}/health/ready")).is_success
        return False

    async def all_read(self) -> bool:
        """True once both stages have read their topics to the end."""
        async with open_lag_reader(self.servers.kafka) as lag:
            for name in ("enrich", "postgres"):
                rows = await lag.read(f"{GROUP_PREFIX}.{name}", [each.name for each in STAGE_INPUTS[name]])
                if any(row.lag for row in rows):
                    return False
        return True

    async def _listens(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return (await self.simulator.get("/sim/state")).is_success and await self.answers()
        return False
