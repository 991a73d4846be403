"""`parley demo`: the whole pipeline on this machine, with simulated platforms, watched live."""

from typing import Final

DEMO_STATE: Final = "demo"
"""Folder below the state folder: the demo has servers of its own, apart from real accounts."""
