"""What a process shows of itself: the state of its stages, `/health/live`, `/health/ready`, `/metrics`."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from infra import logs, metrics
from schemas.errors import EnvironmentFault

log = logs.get(__name__)


class StageState:
    """What one stage does now. Written by the runner, read by the listener; one event loop only."""

    def __init__(self, name: str, stalled_after: float, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.assigned = False
        self.partitions = 0
        self.in_flight = 0
        self.lag: int | None = None
        self.trouble: str | None = None
        self.retrying_now = False
        self._now = now
        self._stalled_after = stalled_after
        self._progress = now()
        self._degraded = metrics.DEGRADED.labels(name)
        self._degraded.set(0)

    def progress(self) -> None:
        """Records were finished, or there is nothing to do."""
        self._progress = self._now()

    def retrying(self, error: BaseException, *, degraded: bool) -> None:
        """A call failed with a transient error and will be made again."""
        metrics.RETRIES.labels(self.name, type(error).__name__).inc()
        self.retrying_now = True
        if degraded:
            self.holding(f"{type(error).__name__}: {error}")

    def holding(self, trouble: str) -> None:
        """The stage takes nothing more and waits for something outside of it."""
        if self.trouble is None:
            log.warning("stage holds its partitions", stage=self.name, error=trouble)
        self.trouble = trouble
        self._degraded.set(1)

    def retried(self) -> None:
        """The wait is over, or was given up."""
        if self.trouble is not None:
            log.warning("stage goes on", stage=self.name, after=self.trouble)
        self.trouble = None
        self.retrying_now = False
        self._degraded.set(0)
        self.progress()

    @property
    def stalled(self) -> bool:
        """Work waits, nothing was finished for too long, and no outside trouble explains it."""
        waiting = self.in_flight > 0 or (self.lag or 0) > 0
        if not waiting or self.trouble is not None:
            return False
        return self._now() - self._progress > self._stalled_after

    def describe(self) -> dict[str, Any]:
        """For the answer of a health request."""
        return {
            "partitions": self.partitions,
            "in_flight": self.in_flight,
            "lag": self.lag,
            "seconds_since_progress": round(self._now() - self._progress, 1),
            "trouble": self.trouble,
        }


class Health:
    """The process: alive unless a stage is stalled; ready when all stages are assigned and untroubled."""

    def __init__(self, states: Sequence[StageState], ready_when: Iterable[Callable[[], bool]] = ()) -> None:
        self._states = states
        self._ready_when = tuple(ready_when)
        self.draining = False

    @property
    def live(self) -> bool:
        """False if a stage is stalled: a restart may help."""
        return not any(state.stalled for state in self._states)

    @property
    def ready(self) -> bool:
        """True if every stage has its partitions and no trouble, and nothing else is awaited."""
        if self.draining or not all(each() for each in self._ready_when):
            return False
        return all(state.assigned and state.trouble is None for state in self._states)

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """(HTTP status, content type, body) for a GET of `path`."""
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", metrics.exposition()
        if path not in ("/health/live", "/health/ready"):
            return 404, "application/json", b'{"error": "try /health/live, /health/ready or /metrics"}'
        good = self.live if path == "/health/live" else self.ready
        body = {
            "ok": good,
            "draining": self.draining,
            "stages": {state.name: state.describe() for state in self._states},
        }
        return 200 if good else 503, "application/json", json.dumps(body).encode()


@contextlib.asynccontextmanager
async def listening(health: Health, host: str, port: int) -> Any:
    """Serves `health` over HTTP while the block runs; nothing if `port` is 0."""
    if not port:
        yield
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError, TimeoutError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            _method, target, _version = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            status, kind, body = health.answer(target.split("?", 1)[0])
            writer.write(
                f"HTTP/1.1 {status} {'OK' if status == 200 else 'Unavailable'}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(serve, host, port, limit=16384)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot listen on {host}:{port} for /health and /metrics: {error}; set another base port"
        ) from error
    async with server:
        yield
