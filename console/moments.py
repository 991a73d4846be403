"""Times as operators write them."""

from datetime import UTC, datetime, timedelta

from schemas.errors import ConfigurationError


def moment(text: str) -> datetime:
    """A time as operators write it: ISO 8601, or so long ago (`90m`, `12h`, `3d`)."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[-1:] in units and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a time. Examples: 2026-11-22T08:00, 2026-11-22T08:00+01:00, 90m, 12h, 3d."
        ) from None
    return parsed if parsed.tzinfo else parsed.astimezone()
