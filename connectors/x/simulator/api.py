"""What the handlers of the simulated X API's reads and writes have in common."""

from typing import TYPE_CHECKING

from connectors.simulation import Api
from connectors.x.simulator.door import Door

if TYPE_CHECKING:
    from connectors.x.simulator.server import Simulator


class XApi(Api):
    """Base of `ReadingApi` and `WritingApi`: the account, its limits, and who may call."""

    def __init__(self, simulator: "Simulator", door: Door) -> None:
        super().__init__(simulator)
        self._config = simulator.config
        self._world = simulator.world
        self._limits = simulator.limits
        self._door = door
        self._renamed = simulator.config.field_names == "post"
