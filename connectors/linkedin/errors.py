"""LinkedIn's error answers -> what they mean for a write and for a read. Pure.

Source: "Error Handling" of LinkedIn's documentation and section 5 of the platform contracts. The status says
most; the numbers in `serviceErrorCode` are not documented and are only reported. Whatever is not known to
mean "nothing happened" is `Unknown` for a write.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.outcomes import AccountStopped, Cause, NotSent, RequestRefused, Unknown
from connectors.quoting import quoted
from connectors.waits import seconds_of
from schemas.errors import ParleyError, ThrottledError, TransientError
from schemas.events import utc_now

MINUTE_THROTTLE: Final = 60.0
"""Seconds after "Comment create throttled"; LinkedIn names no time, about a minute was seen."""

QUIET: Final = 900.0
"""Seconds after a 429 that names no reason: a daily quota or LinkedIn's own load."""

_NO_VERSION: Final = "NONEXISTENT_VERSION"
_NO_RESOURCE: Final = "RESOURCE_NOT_FOUND"
_ABUSE_STATUS: Final = 999
"""LinkedIn's own status for callers that it takes for robots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiError:
    """An error answer; `code` is LinkedIn's name of it, empty where the body names none. `foreign`: the body
    is not LinkedIn's (a proxy's page): what the status means is not sure then.

    `retry_after`: seconds until calls are accepted again, None where that is not about waiting.
    """

    status: int
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    foreign: bool = False

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.code}: {self.message[:300]}".replace(" :", ":")


def api_error(status: int, body: bytes, headers: Mapping[str, str], now: datetime | None = None) -> ApiError:
    """The error in an answer, whatever the body is (JSON, HTML, nothing); `headers` with any case."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    foreign = not isinstance(parsed, Mapping)
    if not isinstance(parsed, Mapping):
        parsed = {"message": f"no error object in {len(body)} bytes"}
    code = parsed.get("code") or parsed.get("error") or parsed.get("serviceErrorCode") or ""
    message = quoted(parsed.get("message") or parsed.get("error_description") or "")
    named = headers.get("retry-after", "")
    wait = seconds_of(named)
    if wait is None and status == 429:
        wait = _wait(message, now or utc_now())
    foreign = foreign and body.strip() != b""
    return ApiError(status=status, code=str(code), message=message, retry_after=wait, foreign=foreign)


def outcome_of(error: ApiError) -> NotSent | Unknown:
    """What an error means for a write."""
    cause = cause_of(error)
    if cause is None:
        return Unknown(str(error))
    return NotSent(cause, reason_of(error, cause), error.retry_after if cause is Cause.THROTTLED else None)


def failure_of(error: ApiError) -> ParleyError:
    """The exception that an error means for a read; the caller has dealt with GONE."""
    cause = cause_of(error)
    if cause is Cause.THROTTLED:
        return ThrottledError(f"LinkedIn throttles this account. {error}", retry_after=error.retry_after)
    if cause is None:
        return TransientError(f"LinkedIn could not answer. {error}")
    if cause.stops_account:
        return AccountStopped(cause, reason_of(error, cause))
    return RequestRefused(f"LinkedIn refuses this request. {error}")


def cause_of(error: ApiError) -> Cause | None:
    """None: it may have happened, or will pass."""
    message = error.message.lower()
    if is_version(error):
        return Cause.PERMISSION  # a setting is wrong: no call of any account works until it is changed
    if error.status == 429:
        return Cause.THROTTLED
    if error.status == 401:
        return Cause.AUTH
    if error.status == _ABUSE_STATUS or (
        error.status == 403 and "restricted" in f"{error.code} {message}".lower()
    ):
        return Cause.BLOCKED
    if error.status == 403:
        about_content = "unpermitted fields" in message or "comments are disabled" in message
        return Cause.PERMANENT if about_content else Cause.PERMISSION
    if error.status in (404, 410):
        # An address that LinkedIn does not have is "not found" too, and no comment's removal.
        return None if error.foreign else Cause.PERMANENT if error.code == _NO_RESOURCE else Cause.GONE
    return Cause.PERMANENT if 400 <= error.status < 500 and error.status != 408 else None


def is_version(error: ApiError) -> bool:
    """True if LinkedIn does not know, or no longer knows, the version that was asked for."""
    return error.status == 426 or error.code == _NO_VERSION


def reason_of(error: ApiError, cause: Cause) -> str:
    """What to do about it, for people."""
    if is_version(error):
        return f"LinkedIn has ended this API version: set PARLEY_LINKEDIN_VERSION to a newer month. {error}"
    match cause:
        case Cause.AUTH:
            return f"The access token has expired or was revoked: log in again. {error}"
        case Cause.PERMISSION:
            return f"The member lacks a scope, or the role on this organisation. {error}"
        case Cause.BLOCKED:
            return f"LinkedIn restricts this member or app. {error}"
        case _:
            return str(error)


def _wait(message: str, now: datetime) -> float:
    """Seconds after a 429: quotas of a day begin anew at midnight UTC."""
    if "create throttled" in message.lower():
        return MINUTE_THROTTLE
    if " day " in f" {message.lower()} ":
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds()
    return QUIET
