import socket

import pytest
from fastapi import FastAPI

from connectors.simulation.serving import serving
from schemas.errors import EnvironmentFault


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=f"Port {port} of 127.0.0.1 cannot be listened on"):
            async with serving(FastAPI(), port=port):
                pass
