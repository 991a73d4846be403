"""Meta's usage headers -> `Usage`. Pure.

Source: "Rate Limits" of the Graph API documentation. Values are JSON; numbers are per cent of the limit, and
`estimated_time_to_regain_access` is in minutes. They appear only once enough calls have been made.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.platform import Usage

_SINGLE: Final = ("x-app-usage", "x-page-usage")
_BUSINESS: Final = "x-business-use-case-usage"
_COUNTERS: Final = ("call_count", "total_cputime", "total_time")
_REGAIN: Final = "estimated_time_to_regain_access"


def usage_of(headers: Mapping[str, str]) -> Usage | None:
    """The worst of all counters in an answer's headers (any case); None if it names none.

    A header that cannot be read is taken as absent: a limit must never break a call.
    """
    worst, minutes, seen = 0.0, 0.0, False
    for counters in _counters(headers):
        seen = True
        worst = max([worst, *(_number(counters.get(name)) for name in _COUNTERS)])
        minutes = max(minutes, _number(counters.get(_REGAIN)))
    return Usage(percent=worst, regain_after=minutes * 60 or None) if seen else None


def _counters(headers: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    for name in _SINGLE:
        found = _parsed(headers.get(name))
        if found:
            yield found
    for uses in _parsed(headers.get(_BUSINESS)).values():
        for use in uses if isinstance(uses, list) else ():
            if isinstance(use, Mapping):
                yield use


def _parsed(value: str | None) -> Mapping[str, Any]:
    try:
        parsed = json.loads(value) if value else {}
    except ValueError:
        return {}
    return parsed if isinstance(parsed, Mapping) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
