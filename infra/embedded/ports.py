"""Free TCP ports on 127.0.0.1."""

import contextlib
import random
import socket

from infra.embedded.errors import PortTakenError

HOST = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 29_999
"""Below the ports that systems hand out to outgoing connections, so that those do not race with us."""


def free_range(count: int) -> int:
    """The first of `count` ports in a row that could all be bound a moment ago."""
    for first in random.sample(range(LOWEST, HIGHEST + 1 - count), HIGHEST + 1 - LOWEST - count):
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                probe.bind((HOST, port))
            return first
    raise PortTakenError(f"No {count} ports in a row are free", thing=HOST, remedy="Stop other servers.")


def free_ports(count: int) -> list[int]:
    """`count` different ports that could be bound a moment ago; another program may still take one."""
    found: list[int] = []
    for port in random.sample(range(LOWEST, HIGHEST + 1), HIGHEST - LOWEST + 1):
        if len(found) == count:
            break
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        found.append(port)
    return found
