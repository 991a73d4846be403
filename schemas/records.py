"""How a frozen dataclass becomes what fastavro writes, and back: field by field, from the type hints."""

import dataclasses
import operator
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Self, Union, get_args, get_origin

from schemas.errors import InvalidEventError

_Convert = Callable[[Any], Any]


class _Plan(NamedTuple):
    """What a class's fields need: all names, and converters only for those that need one."""

    names: tuple[str, ...]
    outgoing: tuple[tuple[str, _Convert], ...]
    incoming: tuple[tuple[str, _Convert], ...]


_plans: dict[type, _Plan] = {}  # filled on first use; a pure function of the class


class Record:
    """Base of every event and of every part of one."""

    __slots__ = ()

    def to_record(self) -> dict[str, Any]:
        """The event as fastavro writes it; raises InvalidEventError naming a field of the wrong kind."""
        plan = _plan(type(self))
        values = {name: getattr(self, name) for name in plan.names}
        for name, convert in plan.outgoing:
            if values[name] is not None:
                try:
                    values[name] = convert(values[name])
                except (TypeError, ValueError, AttributeError) as error:
                    raise InvalidEventError(
                        f"{type(self).__name__}.{name} is unfit: {type(error).__name__}"
                    ) from error
        return values

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The event from what fastavro read; raises KeyError, TypeError or ValueError if it does not fit."""
        values = dict(record)
        for name, convert in _plan(cls).incoming:
            if values[name] is not None:
                values[name] = convert(values[name])
        return cls(**values)


class Event(Record):
    """A record that travels on a topic of its own; `SCHEMA` is its Avro schema's name."""

    __slots__ = ()
    SCHEMA: ClassVar[str]


def _plan(cls: type) -> _Plan:
    plan = _plans.get(cls)
    if plan is None:
        hints = typing.get_type_hints(cls)
        names = tuple(item.name for item in dataclasses.fields(cls))
        converters = {name: _converters(hints[name]) for name in names}
        plan = _plans[cls] = _Plan(
            names,
            tuple((name, outgoing) for name, (outgoing, _) in converters.items() if outgoing),
            tuple((name, incoming) for name, (_, incoming) in converters.items() if incoming),
        )
    return plan


def _converters(hint: Any) -> tuple[_Convert | None, _Convert | None]:
    """(to Avro, from Avro) for one field; None where the value passes as it is."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
    if get_origin(hint) is tuple:
        to_item, from_item = _converters(get_args(hint)[0])
        return (
            (lambda items: [to_item(item) for item in items]) if to_item else list,
            (lambda items: tuple(from_item(item) for item in items)) if from_item else tuple,
        )
    if isinstance(hint, type) and issubclass(hint, Record):
        return operator.methodcaller("to_record"), hint.from_record
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return None, hint
    if hint is datetime:
        return _aware, None
    return None, None


def _aware(time: datetime) -> datetime:
    # fastavro would take a naive time for the machine's local one and shift it.
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    return time
