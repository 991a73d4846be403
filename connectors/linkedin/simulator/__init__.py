"""An organisation on LinkedIn as the platform contracts describe it, with every fault of their catalogue."""

from connectors.linkedin.simulator.config import SimulatorConfig
from connectors.linkedin.simulator.server import Simulator

__all__ = ["Simulator", "SimulatorConfig"]
