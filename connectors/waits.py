"""How long a platform says to wait, in a header."""

from typing import Final

LONGEST: Final = 7 * 86_400.0
"""Seconds; what names more is not believed, for an account would never be looked at again."""


def seconds_of(named: str | None) -> float | None:
    """Seconds that a header names; None if it is no whole number."""
    if not named or not named.isascii() or not named.isdigit():
        return None
    return min(float(named), LONGEST)


def seconds_until(named: str | None, now: float) -> float | None:
    """Seconds until the unix time that a header names, one at least; None if it is no whole number."""
    if not named or not named.isascii() or not named.isdigit():
        return None
    return min(max(1.0, float(named) - now), LONGEST)
