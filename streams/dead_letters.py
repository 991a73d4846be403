"""Records that no stage can process: how they are written down, and when there are too many of them."""

import uuid
from collections import deque
from collections.abc import Callable

from infra.discreet import message_of, said, where
from schemas.errors import DecodeError, InvalidEventError, PoisonError, StageHalted
from schemas.events import DeadLetter, Header, utc_now
from schemas.identity import NAMESPACE
from streams.reading import Raw
from streams.settings import DeadLetterLimits

Seal = Callable[[bytes], tuple[bytes, str | None]]
"""Encrypts a dead letter's value: takes the bytes, gives what is stored and the id of the key used."""


def unsealed(value: bytes) -> tuple[bytes, str | None]:
    """No encryption."""
    return value, None


def dead_letter_id(stage: str, topic: str, partition: int, offset: int) -> str:
    """The same for the same record and stage, however often it fails."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(("dead_letter", stage, topic, str(partition), str(offset)))))


def reason_of(raw: Raw, error: BaseException) -> str:
    """A word to sort dead letters by."""
    if raw.value is None:
        return "null_value"
    if raw.key is None:
        return "null_key"
    if isinstance(error, DecodeError):
        return "undecodable"
    if isinstance(error, InvalidEventError):
        return "invalid_event"
    return "poison" if isinstance(error, PoisonError) else "unexpected_error"


def dead_letter(stage: str, raw: Raw, error: BaseException, seal: Seal = unsealed) -> DeadLetter:
    """The event for `dead.letters`: the record as it was, and why it is there.

    Of the record only its sealed value holds what somebody wrote: message and stack hold our own words,
    classes and frames, since other errors may quote a text, and neither is encrypted.
    """
    value, key_id = seal(raw.value) if raw.value is not None else (None, None)
    return DeadLetter(
        dead_letter_id=dead_letter_id(stage, raw.topic, raw.partition, raw.offset),
        stage=stage,
        reason=reason_of(raw, error),
        error=type(error).__name__,
        message=message_of(error),
        stack=where(error)[-8000:],
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp=raw.timestamp,
        key=raw.key,
        value=value,
        headers=tuple(Header(name=name, value=content) for name, content in raw.headers),
        key_id=key_id,
        failed_at=utc_now(),
    )


class Limits:
    """Counts living and dead records of a stage in the order in which they were finished."""

    def __init__(self, stage: str, limits: DeadLetterLimits) -> None:
        self._stage = stage
        self._limits = limits
        self._recent: deque[bool] = deque(maxlen=limits.window)
        self._dead = 0
        self._in_a_row = 0

    @property
    def consecutive(self) -> int:
        """So many dead letters in a row halt the stage."""
        return self._limits.consecutive

    def alive(self) -> None:
        """A record was processed."""
        self._in_a_row = 0
        self._count(False)

    def dead(self, error: BaseException) -> None:
        """A record is to become a dead letter; raises StageHalted if that is one too many."""
        self._in_a_row += 1
        self._count(True)
        limits = self._limits
        if self._in_a_row >= limits.consecutive:
            raise StageHalted(self.message(f"{self._in_a_row} records in a row", error)) from error
        if len(self._recent) >= limits.least and self._dead > limits.ratio * len(self._recent):
            raise StageHalted(
                self.message(f"{self._dead} of the last {len(self._recent)} records", error)
            ) from error

    def _count(self, dead: bool) -> None:
        if len(self._recent) == self._recent.maxlen:
            self._dead -= self._recent[0]
        self._recent.append(dead)
        self._dead += dead

    def message(self, what: str, error: BaseException) -> str:
        """What a halted stage says; `what` could not be processed."""
        return (
            f"stage {self._stage} halted: {what} could not be processed, so the fault is likely the deploy, "
            f"not the data (last: {said(error)}). Nothing of the last batch "
            "was committed. Deploy a release that can process them, or, to let them go to the dead letters, "
            "raise PARLEY_DEAD_LETTER_LIMIT and PARLEY_DEAD_LETTER_RATIO; then start the stage again."
        )
