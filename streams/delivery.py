"""What a stage made, to Kafka: encoded, sent by the idempotent producer, every delivery awaited."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from schemas import headers as header
from schemas import topics
from schemas.codec import Codec
from schemas.errors import EnvironmentFault, InvalidEventError, TransientError
from schemas.events import DeadLetter
from streams.health import StageState
from streams.retrying import patiently, shown
from streams.settings import Patience
from streams.stage import Output

LARGEST: int = 1_000_000
"""Bytes of an output's value; Kafka's own default limit for a record is 1,048,588 with its header."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record ready to be sent."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Delivery:
    """Sends for one stage; `producer` is asked for at each sending: it exists only after the start."""

    def __init__(
        self,
        codec: Codec,
        producer: Callable[[], AIOKafkaProducer],
        patience: Patience,
        state: StageState,
    ) -> None:
        self._codec = codec
        self._producer = producer
        self._patience = patience
        self._state = state

    def encode(
        self, outputs: Sequence[Output], passed: Mapping[str, bytes], trace: Mapping[str, bytes]
    ) -> list[Outgoing]:
        """A record's outputs as bytes, with the headers every stage passes on; raises InvalidEventError.

        `passed`: the input's headers. `trace`: what replaces its trace context.
        """
        headers = [
            (name, value) for name, value in passed.items() if name in header.PASSED_ON and name not in trace
        ]
        headers += trace.items()
        made = []
        for output in outputs:
            value = self._codec.encode(output.event)
            if len(value) > LARGEST:
                raise InvalidEventError(
                    f"its output for {output.topic.name} has {len(value)} bytes, limit {LARGEST}"
                )
            made.append(Outgoing(output.topic.name, output.key.encode(), value, headers))
        return made

    def encode_dead(self, dead: DeadLetter, passed: Mapping[str, bytes]) -> Outgoing:
        """A dead letter as bytes; its key is the record's, if that is UTF-8."""
        headers = [(name, value) for name, value in passed.items() if name in header.PASSED_ON]
        try:
            key = (dead.key or b"").decode().encode()
        except UnicodeDecodeError:
            key = b""
        return Outgoing(topics.DEAD_LETTERS.name, key, self._codec.encode(dead), headers)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Returns when the broker has acknowledged all of them, however long that takes.

        After a failure everything from the first failed record on is sent again, so that records of one key
        end up in order. Errors that no repetition can mend are raised.
        """
        left = list(records)

        async def attempt() -> None:
            nonlocal left
            left = left[await self._send(left) :]
            if left:
                raise TransientError(f"{len(left)} records were not acknowledged by the broker")

        if left:
            await patiently(attempt, self._patience, self._state)

    async def _send(self, records: Sequence[Outgoing]) -> int:
        """How many from the head on were acknowledged."""
        deliveries: list[asyncio.Future[Any]] = []
        try:
            with shown("the broker tells nothing about the topic", self._state):
                await self._hand_over(records, deliveries)
        except KafkaError as refused:
            _raise_unless_passing(refused)
        if deliveries:
            with shown("records are not acknowledged by the broker", self._state):
                await asyncio.wait(deliveries)  # never gather: its cancellation would cancel them
        for index, delivery in enumerate(deliveries):
            failure = delivery.exception()
            if isinstance(failure, MessageSizeTooLargeError):
                raise _too_small(records[index], failure) from failure
            if failure is not None:
                _raise_unless_passing(failure)
                return index
        return len(deliveries)

    async def _hand_over(self, records: Sequence[Outgoing], deliveries: list[asyncio.Future[Any]]) -> None:
        send = self._producer().send
        for record in records:
            delivery = await send(record.topic, record.value, key=record.key, headers=record.headers)
            delivery.add_done_callback(_noticed)
            deliveries.append(delivery)


def _noticed(delivery: asyncio.Future[Any]) -> None:
    """Spares the log a complaint about a failed delivery whose batch was given up."""
    if not delivery.cancelled():
        delivery.exception()


def _too_small(record: Outgoing, error: MessageSizeTooLargeError) -> EnvironmentFault:
    """No record is at fault: what is larger than `LARGEST` was stopped before, so the limit is low."""
    return EnvironmentFault(
        f"topic {record.topic} refuses a record of {len(record.value)} bytes ({type(error).__name__}). "
        "Set its max.message.bytes to 1048588, Kafka's default, or more; nothing was skipped."
    )


def _raise_unless_passing(error: BaseException) -> None:
    if not isinstance(error, KafkaTimeoutError) and not getattr(error, "retriable", False):
        raise error
