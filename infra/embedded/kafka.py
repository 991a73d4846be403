"""The embedded Kafka, broker and KRaft controller in one: first set-up, start, readiness, stop."""

import asyncio
import base64
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.embedded import kafka_protocol, leftovers
from infra.embedded.errors import PortTakenError, StartFailedError
from infra.embedded.jvm import LOG4J, TEMPORARY, Jvm
from infra.embedded.ports import HOST, free_ports
from infra.embedded.process import begin_log, failure, run, says, spawn, stop, tail
from infra.embedded.state import StateFolder

PORT_TRIES = 3
READY_SECONDS = 90.0
STOP_SECONDS = 15.0

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "message.max.bytes": "2097152",
    "replica.fetch.max.bytes": "2097152",
    "log.retention.check.interval.ms": "30000",
    "log.cleaner.backoff.ms": "5000",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
}
"""One node, so nothing is replicated. Consumers may have session timeouts of 6 s and less. After a crash the
controller refuses the broker until the session of its earlier life has passed, hence a short one."""

LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
logger.settings.name = kafka.server.KafkaConfig
logger.settings.level = WARN
logger.clients.name = org.apache.kafka.common.config
logger.clients.level = WARN
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {folder}/kafka.log
appender.file.filePattern = {folder}/kafka.%i.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %m (%c)%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
"""


class KafkaServer:
    """One broker over `state`; `address` is known once `start` has returned."""

    name = "Kafka"

    def __init__(
        self, state: StateFolder, jvm: Jvm, *, choose_ports: Callable[[int], Sequence[int]] = free_ports
    ) -> None:
        self._state = state
        self._jvm = jvm
        self._choose_ports = choose_ports
        self._data = state.root / "kafka"
        self.log = state.logs / "kafka.log"
        self._output = state.logs / "kafka-output.log"
        self._pid_file = state.run / "kafka.pid"
        self._settings_file = state.run / "kafka.properties"
        self._process: asyncio.subprocess.Process | None = None
        self._cluster_id = ""
        self._ready = False
        self._ports: Sequence[int] = (9092, 9093)  # what formatting writes; chosen anew at each start

    @property
    def address(self) -> str:
        """The bootstrap address."""
        return f"{HOST}:{self._ports[0]}"

    @property
    def alive(self) -> bool:
        """True from the moment its process runs until that has ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self, *, again: bool = False) -> None:
        """Returns when the broker is in service; `again` keeps the ports of the last start."""
        leftovers.end(self._pid_file, sign=str(self._settings_file))
        shutil.rmtree(self._state.run / TEMPORARY, ignore_errors=True)
        (self._state.run / TEMPORARY).mkdir()
        (self._state.run / LOG4J).write_text(LOGGING.format(folder=self._state.logs))
        await self._set_up()
        for _ in range(PORT_TRIES):
            if not again:
                self._ports = self._choose_ports(2)
            if await self._start_on_ports():
                return
        raise PortTakenError(
            f"Kafka found its ports taken {PORT_TRIES} times in a row",
            thing=" and ".join(f"{HOST}:{port}" for port in self._ports),
            remedy="Another program takes ports as fast as we choose: end it or set KAFKA_BOOTSTRAP_SERVERS.",
        )

    async def stop(self) -> None:
        """Ends the broker in order; on its first run the JVM then also stores its start-up cache."""
        if self._process is not None:
            seconds = STOP_SECONDS + self._jvm.extra_stop_seconds
            gentle = await stop(self._process, gently=signal.SIGTERM, seconds=seconds)
            self._jvm.keep_recording(complete=gentle and self._ready)
            self._pid_file.unlink(missing_ok=True)

    async def _set_up(self) -> None:
        """Formats the data folder on first use; what a killed set-up left is thrown away."""
        if cluster_id_of(self._data) is None:
            fresh = self._data.with_suffix(".new")
            for folder in (fresh, self._data):
                shutil.rmtree(folder, ignore_errors=True)
            fresh.mkdir()
            self._write_settings(fresh)
            tool = ["kafka.tools.StorageTool", "format", "-t", new_cluster_id()]
            arguments = [*tool, "-c", str(self._settings_file)]
            command = self._jvm.command(arguments, run=self._state.run)
            await run(command, log=self._output, cwd=self._state.root, name="Kafka's storage tool")
            fresh.replace(self._data)
        self._cluster_id = cluster_id_of(self._data) or ""

    def _write_settings(self, data: Path) -> None:
        broker, controller = self._ports
        listener = f"PLAINTEXT://{HOST}:{broker}"
        settings = {
            **SETTINGS,
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "listeners": f"{listener},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": listener,
            "log.dirs": str(data),
        }
        self._settings_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    async def _start_on_ports(self) -> bool:
        """False when a port was taken; raises when it failed in another way."""
        self._write_settings(self._data)
        begin_log(self.log)
        begin_log(self._output)
        command = self._jvm.command(
            ["kafka.Kafka", str(self._settings_file)],
            run=self._state.run,
            broker=True,
        )
        self._process = await spawn(command, log=self._output, cwd=self._state.logs)
        leftovers.note(self._pid_file, self._process.pid)
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if not self.alive:
                if says(self.log, "Address already in use"):
                    return False
                if self._jvm.forget_archive():  # a damaged one can crash the JVM
                    return await self._start_on_ports()
                raise failure("Kafka ended while starting", logs=[self.log, self._output])
            if await kafka_protocol.serves(HOST, self._ports[0], self._cluster_id):
                self._ready = True
                return True
            await asyncio.sleep(0.05)
        await self.stop()
        raise StartFailedError(
            f"Kafka was not ready within {READY_SECONDS:.0f} s",
            thing=str(self.log),
            remedy=f"If the machine is busy, run again.\n{tail(self.log)}",
        )


def new_cluster_id() -> str:
    """A random id in Kafka's form; none starts with a dash, which the storage tool takes for an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()).startswith("-"):
        pass
    return made


def cluster_id_of(data: Path) -> str | None:
    """The id that the storage tool gave a data folder, or None when it was not (wholly) formatted."""
    try:
        lines = (data / "meta.properties").read_text().splitlines()
    except FileNotFoundError:
        return None
    return next((line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id=")), None)
