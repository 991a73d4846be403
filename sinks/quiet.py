"""An account's quiet hours: nothing is sent between these local times. Audited; claims read them.

The zone is also whose hours a policy's `hours` are, so every worker is told of a change.
"""

from datetime import time
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.postgres import Connection
from schemas import codec
from schemas.errors import ConfigurationError
from sinks import statuses

_SET: Final = f"""
update social_accounts set quiet_from = $4, quiet_until = $5, time_zone = coalesce($6, time_zone),
    version = version + 1, updated_at = clock_timestamp()
where tenant_id = $1 and platform = $2 and account_id = $3
returning version, {statuses.COLUMNS}
"""  # noqa: S608


def local_time(text: str) -> time:
    """A time of day, 22:00; raises ConfigurationError."""
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise ConfigurationError(f"{text!r} is no time of day; write for example 22:00.")
    return found


async def set_hours(
    connection: Connection,
    account: tuple[str, str, str],
    *,
    begin: time | None,
    end: time | None,
    zone: str | None,
    actor: str,
) -> str | None:
    """Sets the hours of an account (tenant, platform, id), within the caller's transaction; None ends them.

    Returns its time zone, None if there is no such account. Raises ConfigurationError for hours that are
    none, and for a zone that this machine or Postgres does not know: a claim that fails would stop posting.
    """
    if (begin is None) is not (end is None) or (begin is not None and begin == end):
        raise ConfigurationError("Quiet hours have a beginning and another end: --from 22:00 --until 08:00.")
    if zone is not None:
        await _check_zone(connection, zone)
    row = await connection.fetchrow(_SET, *account, begin, end, zone)
    if row is None:
        return None
    hours = {"from": f"{begin:%H:%M}", "until": f"{end:%H:%M}"} if begin and end else {}
    details = {**hours, "zone": row["time_zone"]}
    await statuses.tell(connection, codec.load(), row, action="account.quiet", actor=actor, details=details)
    return str(row["time_zone"])


async def _check_zone(connection: Connection, zone: str) -> None:
    try:
        ZoneInfo(zone)
        known = await connection.fetchval("select 1 from pg_timezone_names where name = $1", zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = None
    if known is None:
        raise ConfigurationError(f"There is no time zone {zone!r}; write for example Europe/Madrid.")
