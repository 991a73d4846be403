"""What the simulators of all platforms are made of; imported by simulators, the console and tests alone.

A platform's simulator `connectors/<platform>/simulator/` adds to it only what differs:

    config.py   a `SimulationConfig` with the account's ids, tokens, secrets and limits
    world.py    a `World` that names posts and comments as the platform does
    wire.py     a `Wire`: what the platform says of a happening, the envelope, the signature, the retries
    faults.py   the catalogue for `Faults`: `DELIVERY`, `REPLYING`, and whatever else of the contracts'
                catalogue applies
    *_api.py    the platform's HTTP API, each an `Api`: reads the world, changes it through `Happenings` and
                `Replying` alone, writes each request to the journal before it is answered
    server.py   a `Simulation` of all that: `routes(app)` adds the API; `/sim/...` is there already

`Window` counts what a rate limit counts. One event loop; nothing runs before `Simulation.serving`.
"""

from connectors.simulation.api import Api, content_of, html_503
from connectors.simulation.broken import Reset, Silence
from connectors.simulation.config import SimulationConfig
from connectors.simulation.deliveries import Deliveries, Wire
from connectors.simulation.faults import DELIVERY, REPLYING, Fault, Faults
from connectors.simulation.happenings import Happenings, Notice
from connectors.simulation.replying import Answer, Replying
from connectors.simulation.simulation import Simulation
from connectors.simulation.window import Window
from connectors.simulation.world import Comment, Post, World

__all__ = [
    "DELIVERY",
    "REPLYING",
    "Answer",
    "Api",
    "Comment",
    "Deliveries",
    "Fault",
    "Faults",
    "Happenings",
    "Notice",
    "Post",
    "Replying",
    "Reset",
    "Silence",
    "Simulation",
    "SimulationConfig",
    "Window",
    "Wire",
    "World",
    "content_of",
    "html_503",
]
