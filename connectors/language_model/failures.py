"""What an exception of the client means: our own retry policy, the library's is switched off.

Source: sections 6 and 12 of the platform contracts. The library would repeat a call that ends in
insufficient_quota, and would give up at once where the far side asks for more than two minutes.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import openai

from connectors.language_model.errors import LanguageModelError, Stopped, Unanswerable, Unavailable

LONGEST_WAIT: Final = 120.0
"""Seconds; a call whose repetition is asked for later than this is not repeated."""

_NO_MONEY: Final = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "billing_hard_limit_reached",
    }
)
_OUR_SETTINGS: Final = frozenset(
    {"model", "temperature", "max_tokens", "max_completion_tokens", "response_format"}
)
_AGAIN: Final = frozenset({408, 409, 429})


def meaning(error: openai.APIError) -> LanguageModelError:
    """The failure behind an exception of the library; no text of a prompt is in its message."""
    if not isinstance(error, openai.APIStatusError):
        # The library's aiohttp transport calls every broken connection a time-out; the first cause knows.
        cause = _first_cause(error)
        if isinstance(cause, TimeoutError | openai.APITimeoutError):
            return Unavailable("time_out", "the language model did not answer in time")
        kind = type(cause).__name__
        return Unavailable("connection", f"the language model cannot be reached: {kind}")
    # The body may hold anything under these names.
    status, code, kind = error.status_code, str(error.code or "")[:60], str(error.type or "")[:60]
    told = f"the language model answered {status} {code or kind or 'without a code'}"
    if code in _NO_MONEY or kind in _NO_MONEY:
        return Stopped("quota", f"{told}: pay or raise the limit at the vendor")
    if status == 401:
        return Stopped("key", f"{told}: check PARLEY_LANGUAGE_MODEL_KEY")
    if status == 403:
        return Stopped("forbidden", f"{told}: the vendor does not serve this key, project or region")
    if status == 404:
        return Stopped("model", f"{told}: check PARLEY_LANGUAGE_MODEL_NAME and PARLEY_LANGUAGE_MODEL_URL")
    if status in (400, 422) and str(error.param) in _OUR_SETTINGS:
        return Stopped("parameter", f"{told} for {error.param}: check the PARLEY_LANGUAGE_MODEL_ settings")
    return _passing(error, status, told)


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _passing(error: openai.APIStatusError, status: int, told: str) -> LanguageModelError:
    headers = error.response.headers
    hint = headers.get("x-should-retry", "").lower()
    if not (status in _AGAIN or status >= 500) and hint != "true":
        return Unanswerable("refused", told)
    wait = retry_after(headers)
    reason = "rate_limit" if status == 429 else "overloaded" if status == 503 else "server_error"
    repeat = hint != "false" and (wait is None or wait <= LONGEST_WAIT)
    return Unavailable(reason, told, retry_in=wait, repeat=repeat)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the far side asked for: `retry-after-ms`, else `retry-after` (seconds or an HTTP date)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get("retry-after")
    seconds = _number(given)
    if seconds is not None or not given:
        return seconds
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
