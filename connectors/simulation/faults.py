"""Faults that a simulated platform can show, switched on one by one.

Source of the catalogues: section 10 of the platform contracts; each was seen in the wild or is documented.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DELIVERY: Final[Mapping[str, str]] = {
    "drop_delivery": "a delivery is never sent",
    "duplicate_delivery": "a delivery that was accepted is sent once more",
    "reorder": "a change is delivered after later ones",
    "bad_signature": "a delivery is first sent with a wrong signature",
    "missing_signature": "a delivery is first sent without a signature",
    "decoded_signature": "a delivery is first sent with the signature of its decoded text",
}
"""Faults of webhook deliveries, which `Deliveries` shows; part of every platform's catalogue."""

REPLYING: Final[Mapping[str, str]] = {
    "created_then_timeout": "the reply is created, no answer comes",
    "created_then_reset": "the reply is created, the connection is reset",
    "late_write": "no answer comes, the reply is created within `seconds` (unscaled)",
    "delayed_listing": "the reply shows in listings only after `seconds` (unscaled)",
}
"""Faults of replies, which `Replying` shows; part of every platform's catalogue."""


@dataclass(slots=True)
class Fault:
    """One fault switched on: for `count` occasions (None: until cleared), each with `probability`."""

    count: int | None = None
    probability: float = 1.0
    seconds: float = 5.0


class Faults:
    """Which faults of a catalogue (name: what happens) are on, and whether one strikes now."""

    def __init__(self, catalogue: Mapping[str, str], seed: int | None = None) -> None:
        self.catalogue = catalogue
        self._on: dict[str, Fault] = {}
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrets
        self.struck: dict[str, int] = {}

    def set(
        self, name: str, *, count: int | None = None, probability: float = 1.0, seconds: float = 5.0
    ) -> None:
        """Switches a fault on; raises KeyError for a name that is not in the catalogue."""
        if name not in self.catalogue:
            raise KeyError(name)
        self._on[name] = Fault(count, probability, seconds)

    def clear(self, name: str | None = None) -> None:
        """Switches one off, or all."""
        if name is None:
            self._on.clear()
        else:
            self._on.pop(name, None)

    def strikes(self, name: str) -> Fault | None:
        """The fault if it strikes on this occasion; uses one of its `count` up."""
        fault = self._on.get(name)
        if fault is None or self._random.random() >= fault.probability:
            return None
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                del self._on[name]
        self.struck[name] = self.struck.get(name, 0) + 1
        return fault

    @property
    def on(self) -> dict[str, Fault]:
        """The faults that are on, by name."""
        return dict(self._on)
