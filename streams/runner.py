"""A process of stages: `run` starts them, watches them, drains them on SIGTERM and gives the exit code.

One Faust app belongs to one consumer group, and every stage has a group of its own (`<prefix>.<stage>`), so
each stage runs as its own Faust app; all apps of a process share one event loop (uvloop) and this module.
Each app reads in a thread of its own, so a stage that holds its partitions does not stop the others.

Exit codes: 0 drained; 69 broker or topic missing, replaced or of no use; 70 too many dead letters
(`StageHalted`); 75 an unexpected error: nothing was skipped, start it again; 76 work could not be given up in
time; 78 wrong settings.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import uvloop
from aiokafka.errors import KafkaConnectionError

from infra import logs
from infra import tracing as infra_tracing
from infra.kafka import open_admin
from schemas import codec as codecs
from schemas import topics
from schemas.codec import Codec
from schemas.errors import ConfigurationError, EnvironmentFault, StageHalted
from streams.dead_letters import Seal, unsealed
from streams.engine import Engine
from streams.health import Health, listening
from streams.lag import watch
from streams.settings import EXIT_UNEXPECTED, RunnerSettings
from streams.stage import Stage
from streams.time_limit import STUCK_AFTER, ends_process_after

log = logs.get(__name__)

Background = Callable[[], Awaitable[None]]
"""Work that runs beside the stages until it is cancelled; if it returns or raises, the process ends."""


@dataclass(kw_only=True)
class Work:
    """What a process does: its stages, what runs beside them, and more conditions of `/health/ready`."""

    stages: list[Stage] = field(default_factory=list)
    background: list[Background] = field(default_factory=list)
    ready_when: list[Callable[[], bool]] = field(default_factory=list)


Compose = Callable[[AsyncExitStack], Awaitable[Work]]
"""Puts the work together inside the process's event loop; what it opens is closed after the drain."""


def run(
    work: Work | Compose,
    settings: RunnerSettings,
    *,
    tracing: infra_tracing.Tracing = infra_tracing.OFF,
    codec: Codec | None = None,
    seal: Seal = unsealed,
) -> int:
    """Runs stages and background work until SIGTERM, SIGINT or a failure; gives the exit code.

    Blocks; must be called in the main thread, once. `work` may be composed in the event loop, for pools and
    clients that belong to it. `seal` encrypts the values of dead letters. Errors are logged, not raised.
    """
    uvloop.install()  # Faust's consumer threads make loops of their own, by the policy this sets
    try:
        with asyncio.Runner() as runner:
            process = _Process(
                work=work,
                settings=settings,
                tracing=tracing,
                codec=codec or codecs.load(),
                seal=seal,
            )
            return runner.run(process.run())
    finally:
        tracing.shutdown()


@dataclass(kw_only=True)
class _Process:
    work: Work | Compose
    settings: RunnerSettings
    tracing: infra_tracing.Tracing
    codec: Codec
    seal: Seal
    _over: asyncio.Future[int] = field(init=False)

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, 0)
        try:
            async with AsyncExitStack() as resources:
                work = self.work if isinstance(self.work, Work) else await self.work(resources)
                return await self._serve(work)
        except Exception as error:  # noqa: BLE001 - becomes the exit code
            return _code_of(error)

    async def _serve(self, work: Work) -> int:
        engines = [
            Engine(
                stage,
                self.settings,
                codec=self.codec,
                tracing=self.tracing,
                seal=self.seal,
                fail=self._fail,
            )
            for stage in work.stages
        ]
        health = Health([engine.state for engine in engines], work.ready_when)
        settings = self.settings
        async with listening(health, settings.host, settings.port):
            await self._require_topics(work.stages)
            tasks = [self._watched(engine.run()) for engine in engines]
            tasks += [self._watched(each()) for each in work.background]
            tasks.append(self._watched(watch(settings.bootstrap_servers, settings.group, engines)))
            try:
                return await self._over
            finally:
                health.draining = True
                with ends_process_after(settings.drain_seconds + STUCK_AFTER, "draining"):
                    await self._drain(engines, tasks, settings.drain_seconds)

    async def _require_topics(self, stages: Sequence[Stage]) -> None:
        needed = {topic.name for stage in stages for topic in (*stage.reads, topics.DEAD_LETTERS)}
        async with open_admin(self.settings.bootstrap_servers) as admin:
            missing = needed - set(await admin.list_topics())
        if missing:
            raise EnvironmentFault(
                f"Kafka at {self.settings.bootstrap_servers} has no topic {', '.join(sorted(missing))}. "
                "`parley topics create` makes what is missing."
            )

    async def _drain(
        self, engines: Sequence[Engine], tasks: Sequence[asyncio.Task[None]], seconds: float
    ) -> None:
        drained = await asyncio.gather(*(engine.drain(seconds) for engine in engines), return_exceptions=True)
        for engine, error in zip(engines, drained, strict=True):
            if isinstance(error, BaseException):
                log.warning("stage did not stop cleanly", stage=engine.stage.name, error=repr(error))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watched(self, task_of: Awaitable[None]) -> asyncio.Task[None]:
        async def watched() -> None:
            await task_of
            if not self._over.done():
                raise RuntimeError("work that should go on for ever has ended")

        task = asyncio.ensure_future(watched())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._over.done():
            self._end(_code_of(error))

    def _end(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)


def _code_of(error: BaseException) -> int:
    """The exit code for an error, after saying what happened."""
    if isinstance(error, KafkaConnectionError):
        error = EnvironmentFault(f"no Kafka broker answers: {error}")
    if isinstance(error, (ConfigurationError, EnvironmentFault, StageHalted)):
        log.critical(str(error), exit_code=error.exit_code)
        return error.exit_code
    log.critical("unexpected error; nothing was skipped", exit_code=EXIT_UNEXPECTED, exc_info=error)
    return EXIT_UNEXPECTED
