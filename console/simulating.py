"""`parley simulate openai`: a language model's endpoint on this machine."""

import asyncio
import signal
from pathlib import Path

from connectors.language_model.simulator import Simulator, SimulatorConfig
from infra import logs

log = logs.get(__name__)


def configured(journal: Path | None, scale: float) -> SimulatorConfig:
    """An endpoint whose answers come `scale` times as fast as in life."""
    return SimulatorConfig(journal=journal, median=1.0 / scale, p99=4.0 / scale)


async def run_language_model(config: SimulatorConfig, port: int) -> None:
    """Runs the simulated endpoint until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Simulator(config).serving(port=port) as url:
        log.info("simulating openai", url=url, key=config.key, model=config.model, median=config.median)
        await stopped.wait()
