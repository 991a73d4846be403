"""One try to take a reply back, to hide a comment or to show it: calls to the platform, no database."""

from typing import Any, Final

from connectors.outcomes import Cause, ChangeOutcome, Done, NotSent, RequestRefused, Unknown
from connectors.platform import PlatformClient

TRIES: Final = 8
"""Tries after which a person must look."""

_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 900.0


async def attempt(row: Any, client: PlatformClient) -> ChangeOutcome:
    """Does what the row asks for; where it is in doubt whether it was done, looks first. Never raises."""
    try:
        if row["in_doubt"] and await _is_so(client, row):
            return Done()
    except RequestRefused as error:
        return NotSent(Cause.PERMANENT, str(error))
    except Exception as error:  # noqa: BLE001  whatever it is: it stays in doubt, and is looked at again
        return Unknown(f"{type(error).__name__} while looking: {error}")
    try:
        match row["kind"]:
            case "retract":
                return await client.delete(row["target"])
            case kind:
                return await client.hide(row["target"], hidden=kind == "hide")
    except Exception as error:  # noqa: BLE001  a client must not raise here; if one does, nobody knows
        return Unknown(f"{type(error).__name__} while changing")


async def _is_so(client: PlatformClient, row: Any) -> bool:
    """True if the platform shows what was asked for."""
    found = await client.read_comment(row["target"])
    if row["kind"] == "retract":
        return not found.exists
    return found.exists and found.is_hidden is (row["kind"] == "hide")


def verdict(row: Any, outcome: ChangeOutcome) -> tuple[str, str, float]:
    """What becomes of the row: (state, reason, seconds until the next try)."""
    pause = min(_LONGEST_PAUSE, _PAUSE * 2 ** (row["attempts"] - 1))
    match outcome:
        case Done():
            return "done", "", 0
        case NotSent(cause=Cause.GONE, reason=reason):
            gone = row["kind"] == "retract"
            return ("done", "it was gone already", 0) if gone else ("failed", reason, 0)
        case NotSent(cause=Cause.PERMANENT, reason=reason):
            return "failed", reason, 0
        case NotSent(reason=reason, retry_after=after, cause=cause):
            # A stopped account waits for a person, a throttled one for its time; their actions wait with it.
            waits = cause.stops_account or cause is Cause.THROTTLED
            if row["attempts"] >= TRIES and not waits:
                return "failed", f"tried {row['attempts']} times: {reason}", 0
            return "waiting", reason, max(after or 0.0, pause)
        case Unknown(reason=reason):
            if row["attempts"] >= TRIES:
                return "failed", f"nobody knows whether it happened: {reason}", 0
            return "unknown", reason, pause
