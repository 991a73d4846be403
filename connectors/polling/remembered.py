"""What this process published lately, so that it is not published again before Postgres has it."""

from collections import OrderedDict


class Remembered:
    """Keys with a value each; the oldest are forgotten beyond `most`."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._values: OrderedDict[str, object] = OrderedDict()

    def holds(self, key: str, value: object = None) -> bool:
        """True if exactly this was remembered."""
        return key in self._values and self._values[key] == value

    def add(self, key: str, value: object = None) -> None:
        """Remembers it."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
