"""What a check found, and how a check is run so that its own failure is a finding too."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.errors import ParleyError

WITHIN: Final = 20.0
"""Seconds that one check may take."""


class Status(StrEnum):
    """How bad it is. `warning`: worth a look; `problem`: something does not work, or soon will not."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """The name of a check, what it found, and in one line what to do about it."""

    name: str
    status: Status
    found: str
    todo: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Status.OK, found)


def warning(name: str, found: str, todo: str) -> Finding:
    """Worth a look."""
    return Finding(name, Status.WARNING, found, todo)


def problem(name: str, found: str, todo: str) -> Finding:
    """Somebody has to do something."""
    return Finding(name, Status.PROBLEM, found, todo)


async def look(name: str, check: Awaitable[list[Finding]], *, within: float = WITHIN) -> list[Finding]:
    """What the check found; where it failed or took too long, that is the finding."""
    try:
        async with asyncio.timeout(within):
            return await check
    except TimeoutError:
        return [problem(name, f"no answer within {within:g} s", "see whether the server is overloaded")]
    except ParleyError as error:
        return [problem(name, str(error), "see the message")]
    except Exception as error:  # noqa: BLE001  whatever it is, the other checks go on
        what = f"the check itself failed: {type(error).__name__}: {error}"
        return [problem(name, what, "mend what the message names; if it names nothing, report this")]


def span(seconds: float) -> str:
    """A time span for people: 40 s, 12 min, 5 h, 3 d."""
    for unit, size in (("d", 172_800), ("h", 7200), ("min", 120)):
        if seconds >= size:
            return f"{seconds / {'d': 86_400, 'h': 3600, 'min': 60}[unit]:.0f} {unit}"
    return f"{seconds:.0f} s"
