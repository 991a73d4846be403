"""An Instagram account as the platform contracts describe it, with every fault of their catalogue."""

from connectors.instagram.simulator.config import SimulatorConfig
from connectors.instagram.simulator.server import Simulator

__all__ = ["Simulator", "SimulatorConfig"]
