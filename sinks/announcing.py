"""A change of configuration: the audit row and the outbox row that go with it.

The relay carries the outbox to the compacted topic `config.changes`, which every worker follows.
"""

from collections.abc import Mapping
from typing import Any

from infra import audit
from infra.postgres import Connection
from schemas import topics
from schemas.codec import Codec
from schemas.events import ConfigChange
from sinks.outbox import enqueue


async def announce(
    connection: Connection,
    codec: Codec,
    change: ConfigChange,
    *,
    action: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Writes both within the caller's transaction, the change's own; `details`: plain data for the audit."""
    told = {"version": change.version, **(details or {})}
    await audit.write_down(connection, change.tenant_id, change.changed_by, action, change.topic_key, told)
    await enqueue(connection, codec, topics.CONFIG_CHANGES, change.topic_key, change)
