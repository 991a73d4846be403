"""The faults that a simulated endpoint can show, switched on one by one at `/sim/faults`.

Source: section 6 of the platform contracts and its catalogue of faults.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

CATALOGUE: Final[dict[str, str]] = {
    "error_500": "500 server_error",
    "overloaded_503": "503 server_is_overloaded",
    "html_503": "503 with a page of HTML",
    "down": "every request within `seconds` of the first is answered 503 with a page of HTML",
    "gone_silent": "as down, but nothing is answered until the caller gives up",
    "reset": "the connection is reset",
    "silence": "nothing is answered until the caller gives up",
    "rate_limit": "429 rate_limit_exceeded with retry-after-ms",
    "rate_limit_bare": "429 rate_limit_exceeded without a time",
    "retry_after_121": "429 with retry-after: 121",
    "insufficient_quota": "429 insufficient_quota",
    "credit_balance_exhausted": "429 credit_balance_exhausted",
    "null_code": "429 whose error has the code null",
    "invalid_key": "401 invalid_api_key",
    "model_not_found": "404 model_not_found",
    "context_too_long": "400 context_length_exceeded",
    "refusal": "the model refuses: content null, refusal set",
    "truncated": "the answer ends in the middle: finish_reason length",
    "content_filter": "finish_reason content_filter, the content is cut",
    "not_json": "the content is not what the schema asks for",
    "echo_prompt": "the reply repeats the system prompt",
    "echo_comment": "the reply does what the comment says and repeats it",
    "no_choices": "200 with an empty list of choices",
}


class Refusal(NamedTuple):
    """An error answer: status, the inner error object, further headers."""

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str] = {}


def _error(message: str, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": param, "code": code}


_RATE: Final = (
    "Rate limit reached for {model} on requests per min (RPM): Limit 500, Used 500, Requested 1. "
    "Please try again in 300ms."
)
_QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, read the docs."
)

_ILL: Final = "The server had an error while processing your request. Sorry about that!"
_NO_SUCH: Final = "The model `{model}` does not exist or you do not have access to it."
_LENGTH: Final = "This model's maximum context length is 8192 tokens."
_BUSY: Final = "The engine is currently overloaded."
_KEY: Final = "Incorrect API key provided: sk-***."
_AFTER: Final = {"retry-after-ms": "300", "retry-after": "1"}
_WRONG: Final = "invalid_request_error"
_SPENT: Final = "insufficient_quota"

REFUSALS: Final[dict[str, Refusal]] = {
    "error_500": Refusal(500, _error(_ILL, "server_error", None)),
    "overloaded_503": Refusal(503, _error(_BUSY, "service_unavailable_error", "server_is_overloaded")),
    "rate_limit": Refusal(429, _error(_RATE, "requests", "rate_limit_exceeded"), _AFTER),
    "rate_limit_bare": Refusal(429, _error(_RATE, "requests", "rate_limit_exceeded")),
    "retry_after_121": Refusal(429, _error(_RATE, "requests", "rate_limit_exceeded"), {"retry-after": "121"}),
    "insufficient_quota": Refusal(429, _error(_QUOTA, _SPENT, _SPENT)),
    "credit_balance_exhausted": Refusal(429, _error(_QUOTA, _SPENT, "credit_balance_exhausted")),
    "null_code": Refusal(429, _error(_RATE, "requests", None)),
    "invalid_key": Refusal(401, _error(_KEY, _WRONG, "invalid_api_key")),
    "model_not_found": Refusal(404, _error(_NO_SUCH, _WRONG, "model_not_found")),
    "context_too_long": Refusal(400, _error(_LENGTH, _WRONG, "context_length_exceeded", "messages")),
}
