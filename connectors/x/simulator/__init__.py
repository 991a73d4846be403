"""An account of X as the platform contracts describe it, with every fault of their catalogue."""

from connectors.x.simulator.config import SimulatorConfig
from connectors.x.simulator.server import Simulator

__all__ = ["Simulator", "SimulatorConfig"]
