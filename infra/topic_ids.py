"""Which topic a name means now: a topic that was deleted and created again has the same name and another id.

The ids are in Kafka's Metadata answers from version 10 on (KIP-516, Kafka 2.8); aiokafka speaks version 5 at
most, so the two messages are described here. Source: Kafka's `MetadataRequest.json`, `MetadataResponse.json`.
"""

import uuid
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_API: Final = 3
_VERSION: Final = 10
_NO_ID: Final = uuid.UUID(int=0)


class _Id:
    """16 bytes."""

    @staticmethod
    def encode(value: uuid.UUID) -> bytes:
        """On the wire."""
        return value.bytes

    @staticmethod
    def decode(data: BytesIO) -> uuid.UUID:
        """From the wire."""
        return uuid.UUID(bytes=data.read(16))


class _Answer(Response):  # type: ignore[misc]
    API_KEY = _API
    API_VERSION = _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Id),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = _API
    API_VERSION = _VERSION
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Id), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Metadata(Request[_Question]):  # type: ignore[misc]
    API_KEY = _API

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(_NO_ID, name, {}) for name in self._topics], False, False, False, {})


async def topic_ids(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> dict[str, uuid.UUID]:
    """Ids by name, of the topics that exist; none if the broker is older than the ids. Raises KafkaError."""
    try:
        answer: Any = await admin._send_request(_Metadata(topics))
    except NotImplementedError:
        return {}
    return {name: topic_id for error, name, topic_id, *_ in answer.topics if not error and topic_id != _NO_ID}
