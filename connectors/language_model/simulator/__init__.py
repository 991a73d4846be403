"""A simulated OpenAI: chat completions behind HTTP, for tests, the demo, benchmarks and trying things out."""

from connectors.language_model.simulator.config import SimulatorConfig
from connectors.language_model.simulator.server import Simulator

__all__ = ["Simulator", "SimulatorConfig"]
