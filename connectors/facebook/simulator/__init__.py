"""A page of Facebook as the platform contracts describe it, with every fault of their catalogue."""

from connectors.facebook.simulator.config import SimulatorConfig
from connectors.facebook.simulator.server import Simulator

__all__ = ["Simulator", "SimulatorConfig"]
