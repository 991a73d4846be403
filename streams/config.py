"""What operators configure, as every worker sees it: a view of the compacted topic `config.changes`.

A worker reads the topic to its end before it is ready and then follows it, so its stages go on while Postgres
is away. The view belongs to one event loop.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra import logs, metrics
from infra.kafka import partitions_of, unreachable
from schemas import codec as codecs
from schemas.codec import Codec
from schemas.errors import DecodeError
from schemas.events import ConfigChange, ConfigKind
from schemas.topics import CONFIG_CHANGES

log = logs.get(__name__)


class ConfigView:
    """Current entries. `ready` and `follow` do the reading; everything else answers from memory."""

    def __init__(
        self, bootstrap_servers: str, *, topic: str = CONFIG_CHANGES.name, codec: Codec | None = None
    ) -> None:
        self._servers = bootstrap_servers
        self._topic = topic
        self._codec = codec or codecs.load()
        self._entries: dict[tuple[ConfigKind, str], dict[str, ConfigChange]] = {}
        self._versions: dict[str, int] = {}
        self._callbacks: list[Callable[[ConfigChange], None]] = []
        self._client: Any = None
        self._start = asyncio.Lock()
        self.is_ready = False
        self.changes = 0
        """How many changes were applied; a cache made from entries is stale when this has moved."""

    async def ready(self) -> None:
        """Returns when the topic was read to the end it had at the first call; may be called often.

        Raises EnvironmentFault if the broker does not answer or the topic does not exist.
        """
        async with self._start:
            if not self.is_ready:
                await self._connect()
                await self._read_to_end()
                self.is_ready = True

    async def follow(self) -> None:
        """Keeps the view current until it is cancelled, then disconnects; background work of a process."""
        try:
            await self.ready()
            while True:
                await self._read(timeout_ms=1000)
        finally:
            if self._client is not None:
                with contextlib.suppress(KafkaError):
                    await self._client.stop()

    def get(self, kind: ConfigKind, tenant_id: str, key: str) -> ConfigChange | None:
        """The newest change of this thing, or None if there is none or it was deleted."""
        return self._entries.get((kind, tenant_id), {}).get(key)

    def all(self, kind: ConfigKind, tenant_id: str) -> Mapping[str, ConfigChange]:
        """The newest changes of a kind by key, as they are now; do not keep the mapping over an await."""
        return self._entries.get((kind, tenant_id), {})

    def version(self, kind: ConfigKind, tenant_id: str, key: str) -> int:
        """Version of the latest change, deletions included; 0 if there never was one."""
        return self._versions.get(f"{kind}:{tenant_id}:{key}", 0)

    def on_change(self, callback: Callable[[ConfigChange], None]) -> None:
        """`callback` is called after each change is applied, in order; it must not block.

        What it raises is logged and counted, and the next change is read.
        """
        self._callbacks.append(callback)

    def apply(self, change: ConfigChange) -> bool:
        """Takes a change in; False for a version that is not newer than the known one (a relay repeats)."""
        if change.version <= self._versions.get(change.topic_key, 0):
            return False
        entries = self._entries.setdefault((change.kind, change.tenant_id), {})
        if change.deleted:
            entries.pop(change.key, None)
        else:
            entries[change.key] = change
        self._versions[change.topic_key] = change.version
        self.changes += 1
        metrics.CONFIG_CHANGES.labels(change.kind.value).inc()
        metrics.CONFIG_ENTRIES.labels(change.kind.value).set(
            sum(len(found) for (kind, _), found in self._entries.items() if kind is change.kind)
        )
        for callback in self._callbacks:
            try:
                callback(change)
            except Exception as error:  # noqa: BLE001 - a bad change must not stop the good ones behind it
                metrics.CONFIG_UNREADABLE.inc()
                log.error("configuration not taken over", change=change.topic_key, error=str(error))
        return True

    async def _connect(self) -> None:
        partitions = [
            TopicPartition(self._topic, each) for each in await partitions_of(self._servers, self._topic)
        ]
        client = AIOKafkaConsumer(
            bootstrap_servers=self._servers, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await client.start()
        except KafkaError as error:
            await client.stop()
            raise unreachable(self._servers, error) from error
        client.assign(partitions)
        await client.seek_to_beginning(*partitions)
        self._client = client

    async def _read_to_end(self) -> None:
        ends = await self._client.end_offsets(self._client.assignment())
        while any([await self._client.position(each) < end for each, end in ends.items()]):
            await self._read(timeout_ms=200)

    async def _read(self, timeout_ms: int) -> None:
        for records in (await self._client.getmany(timeout_ms=timeout_ms)).values():
            for record in records:
                if record.value is None:
                    continue  # compaction's mark; the deletion itself came before, as a change
                try:
                    self.apply(self._codec.decode(record.value, ConfigChange))
                except (DecodeError, ValueError) as error:
                    metrics.CONFIG_UNREADABLE.inc()
                    log.error("configuration not readable", offset=record.offset, error=str(error))
