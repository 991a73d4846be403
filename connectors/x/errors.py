"""X's error answers -> what they mean for a write and for a read. Pure.

Source: section 4.4 of X's contract as collected from its documentation, OpenAPI 2.166 and 2.167, and answers
quoted in public issues. No recorded v2 body of a 401, 403 or 429 exists, so the HTTP status decides first and
the wording only within 400 and 403. What is not known to mean "nothing happened" is `Unknown` for a write.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.outcomes import AccountStopped, Cause, NotSent, RequestRefused, Unknown
from connectors.quoting import quoted
from connectors.waits import seconds_of, seconds_until
from schemas.errors import ParleyError, ThrottledError, TransientError

CAP_PAUSE: Final = 3600.0
"""Seconds to wait where a day's or month's cap is used up: X does not say when it begins anew."""

_PROBLEMS: Final = {
    "unsupported-authentication": Cause.AUTH,
    "client-forbidden": Cause.PERMISSION,
    "not-authorized-for-resource": Cause.GONE,
    "resource-not-found": Cause.GONE,
    "resource-unavailable": Cause.GONE,
    "usage-capped": Cause.THROTTLED,
    "invalid-request": Cause.PERMANENT,
    "disallowed-resource": Cause.PERMANENT,
}
_WORDINGS: Final = (
    ("duplicate content", Cause.PERMANENT),
    ("deleted or not visible", Cause.GONE),
    ("not been mentioned or otherwise engaged", Cause.PERMANENT),
    ("where you are mentioned", Cause.PERMANENT),
    ("might be automated", Cause.BLOCKED),
    ("account is suspended", Cause.BLOCKED),
    ("temporarily locked", Cause.BLOCKED),
    ("oauth1 app permissions", Cause.PERMISSION),
    ("oauth2 app permissions", Cause.PERMISSION),
    ("required scope", Cause.PERMISSION),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class XError:
    """An answer that is no success. `kind`: the last part of the problem's type, empty where it has none.

    `retry_after`: seconds until X takes calls again, None where its headers name no time.
    """

    status: int
    kind: str = ""
    message: str = ""
    read_only: bool = False
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"HTTP {self.status}{f', {self.kind}' if self.kind else ''}: {self.message[:300]}"


def x_error(status: int, body: bytes, headers: Mapping[str, str], now: float | None = None) -> XError:
    """The error in an answer, whatever the body is (JSON of either form, HTML, nothing); names lower-case."""
    content = parsed(body) or {}
    kind = _kind(content)
    retry_after = CAP_PAUSE if kind == "usage-capped" else seconds_of(headers.get("retry-after"))
    if retry_after is None:
        reset = headers.get("x-rate-limit-reset")
        retry_after = seconds_until(reset, time.time() if now is None else now)
    return XError(
        status=status,
        kind=kind,
        message=quoted(_message(content)) or f"no readable error in {len(body)} bytes",
        read_only=headers.get("x-access-level") == "read",
        retry_after=retry_after,
    )


def parsed(body: bytes) -> Mapping[str, Any] | None:
    """A body's JSON object; None for anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def outcome_of(error: XError) -> NotSent | Unknown:
    """What an error means for a write."""
    cause = _cause(error, default=Cause.PERMANENT)
    if cause is None:
        return Unknown(str(error))
    return NotSent(cause, _explained(cause, error), error.retry_after if cause is Cause.THROTTLED else None)


def failure_of(error: XError) -> ParleyError:
    """The exception that an error means for a read; the caller has dealt with GONE."""
    # A read is refused because of the access to the endpoint, not because of what is read.
    cause = _cause(error, default=Cause.PERMISSION)
    if cause is Cause.THROTTLED:
        return ThrottledError(f"X throttles this account. {error}", retry_after=error.retry_after)
    if cause is None or cause is Cause.TRANSIENT:
        return TransientError(f"X could not answer. {error}")
    if cause.stops_account:
        return AccountStopped(cause, f"X stops this account ({cause}). {_explained(cause, error)}")
    return RequestRefused(f"X refuses this request. {error}")


def is_gone(error: XError) -> bool:
    """True if the post does not exist, or not for this account."""
    return _cause(error, default=Cause.PERMANENT) is Cause.GONE


def missing(content: Mapping[str, Any]) -> bool:
    """True if an answer 200 without data says that the post is not there, or not for this account."""
    problems = content.get("errors")
    return "data" not in content and any(
        _PROBLEMS.get(_kind(problem)) is Cause.GONE
        for problem in (problems if isinstance(problems, list) else ())
        if isinstance(problem, Mapping)
    )


def _cause(error: XError, *, default: Cause) -> Cause | None:
    """None: it may have happened."""
    match error.status:
        case 401:
            return Cause.AUTH
        case 402:
            return Cause.PERMISSION
        case 404 | 410:
            return Cause.GONE
        case 429:
            return Cause.THROTTLED
        case 400 | 403:
            return _by_content(error, default if error.status == 403 else Cause.PERMANENT)
        case 405 | 406 | 413 | 415 | 422:
            return Cause.PERMANENT
    return None


def _by_content(error: XError, default: Cause) -> Cause:
    message = error.message.lower()
    for wording, cause in _WORDINGS:
        if wording in message:
            return cause
    if error.kind in _PROBLEMS:
        return _PROBLEMS[error.kind]
    return Cause.PERMISSION if error.read_only else default


def _explained(cause: Cause, error: XError) -> str:
    if error.status == 402:
        return f"The X app's credits are used up; add some in X's developer console. {error}"
    if error.kind == "unsupported-authentication":
        return f"The token is an app's, not a user's; connect the account again. {error}"
    if cause is Cause.PERMISSION:
        return f"The token may not do this; it needs tweet.read, tweet.write and users.read. {error}"
    return str(error)


def _kind(problem: Mapping[str, Any]) -> str:
    found = problem.get("type")
    return found.rpartition("/")[2] if isinstance(found, str) and "/problems/" in found else ""


def _message(content: Mapping[str, Any]) -> str:
    """`detail`, or the messages of `errors`, or of the bare `{code, message}` of OpenAPI 2.167."""
    problems = content.get("errors")
    messages = [
        str(problem.get("message") or problem.get("detail") or "")
        for problem in (problems if isinstance(problems, list) else ())
        if isinstance(problem, Mapping)
    ]
    found = [content.get("detail"), content.get("message"), content.get("error_description"), *messages]
    return "; ".join(str(text) for text in found if text)
