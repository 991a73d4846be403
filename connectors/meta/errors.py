"""Graph API error bodies -> what they mean for a write and for a read. Pure.

Source: "Handling Errors" and "Rate Limits" of Meta's documentation, and recorded bodies. The body decides,
not the HTTP status. Whatever is not known to mean "nothing happened" is `Unknown` for a write: comments were
seen to exist although the answer was an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.meta.usage import usage_of
from connectors.outcomes import AccountStopped, Cause, NotSent, RequestRefused, Unknown
from connectors.quoting import quoted
from connectors.waits import seconds_of
from schemas.errors import ParleyError, ThrottledError, TransientError

_THROTTLES: Final = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
_AUTH: Final = frozenset({102, 190, 1705})  # 1705: a user's token where the page's is needed
_BLOCKS: Final = frozenset({368, 1446036})
_AMBIGUOUS: Final = frozenset({1, 2, 20})
_PERMISSIONS: Final = frozenset({3, 10, *range(200, 300)})
_GONE: Final = frozenset({803})
_DUPLICATE: Final = 506


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphError:
    """The `error` object of a Graph answer; `code` 0 where the body is no Graph error.

    `retry_after`: seconds until calls are accepted again, None where the answer's headers name no time.
    """

    status: int
    code: int = 0
    subcode: int = 0
    message: str = ""
    retry_after: float | None = None

    def __str__(self) -> str:
        code = f"{self.code}/{self.subcode}" if self.subcode else str(self.code)
        return f"HTTP {self.status}, code {code}: {self.message[:300]}"


def graph_error(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> GraphError:
    """The error in an answer, whatever the body is (JSON, HTML, nothing); `headers` with any case."""
    named = (headers or {}).get("retry-after", "")
    usage = usage_of(headers or {})
    waits = seconds_of(named)
    retry_after = waits if waits is not None else usage.regain_after if usage else None
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    error = parsed.get("error") if isinstance(parsed, Mapping) else None
    if not isinstance(error, Mapping):
        message = f"no Graph error in {len(body)} bytes"
        return GraphError(status=status, message=message, retry_after=retry_after)
    return GraphError(
        status=status,
        code=_integer(error.get("code")),
        subcode=_integer(error.get("error_subcode")),
        message=quoted(error.get("message", "")),
        retry_after=retry_after,
    )


def outcome_of(error: GraphError) -> NotSent | Unknown:
    """What an error means for a write."""
    cause = _cause(error)
    if cause is None:
        return Unknown(str(error))
    return NotSent(cause, str(error), error.retry_after if cause is Cause.THROTTLED else None)


def failure_of(error: GraphError) -> ParleyError:
    """The exception that an error means for a read; the caller has dealt with GONE."""
    cause = _cause(error)
    if cause is Cause.THROTTLED:
        message = f"Meta throttles this account. {error}"
        return ThrottledError(message, retry_after=error.retry_after)
    if cause is None or cause is Cause.TRANSIENT:
        return TransientError(f"Meta could not answer. {error}")
    if cause.stops_account:
        return AccountStopped(cause, f"Meta stops this account ({cause}). {error}")
    return RequestRefused(f"Meta refuses this request. {error}")


def is_gone(error: GraphError) -> bool:
    """True if the object does not exist, or not for this account."""
    return _cause(error) is Cause.GONE


def _cause(error: GraphError) -> Cause | None:
    """None: it may have happened."""
    code = error.code
    if code in _THROTTLES:
        return Cause.THROTTLED
    if code in _AUTH:
        return Cause.AUTH
    if code in _BLOCKS or error.subcode in _BLOCKS:
        return Cause.BLOCKED
    if code in _PERMISSIONS:
        return Cause.PERMISSION
    if code in _GONE:
        return Cause.GONE
    if code == _DUPLICATE:
        return Cause.PERMANENT
    if code == 100:
        return _bad_parameter(error)
    if code == 2500 and "unknown path" in error.message.lower():
        return Cause.PERMANENT
    if code == 0 and error.status == 429:
        return Cause.THROTTLED
    if code == 0 and error.status == 401:
        return Cause.AUTH
    return None


def _bad_parameter(error: GraphError) -> Cause:
    """Code 100 is everything from a deleted comment (33, or no subcode at all) to a wrong proof."""
    message = error.message.lower()
    if "appsecret_proof" in message or "app secret proof" in message:
        return Cause.AUTH  # no call of this account can succeed: never the fault of one comment
    if "requires the '" in message and "permission" in message:
        return Cause.PERMISSION
    if error.subcode == 33 or "does not exist" in message:
        return Cause.GONE
    return Cause.PERMANENT


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
