"""Names of the Kafka headers that Parley sets and passes on."""

from typing import Final

EVENT_ID: Final = "parley-event-id"
"""Id of what happened on the platform; the same however often it is delivered."""

REPLAY: Final = "parley-replay"
"""Set on records fed in again; the post sink queues nothing from them unless it says `allow-posting`."""

REPLAY_MARK: Final = b"replay"
REPLAY_ALLOW_POSTING: Final = b"allow-posting"

TRACEPARENT: Final = "traceparent"
"""W3C trace context."""

PASSED_ON: Final = frozenset({EVENT_ID, REPLAY, TRACEPARENT})
"""Headers that every stage copies from a record to what it makes of it."""
