"""What LinkedIn's answers mean, beyond what the simulator shows."""

import json
from typing import Any

import pytest

from connectors.linkedin.errors import api_error, cause_of, outcome_of
from connectors.outcomes import Cause, Unknown

FORBIDDEN = "Not enough permissions to access: partnerApiSocialActions.CREATE"


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (400, {"code": "ILLEGAL_ARGUMENT", "message": "Syntax exception"}, Cause.PERMANENT),
        (401, {"message": "Empty oauth2_access_token", "serviceErrorCode": 401}, Cause.AUTH),
        (401, {"code": "REVOKED_ACCESS_TOKEN", "serviceErrorCode": 65601}, Cause.AUTH),
        (403, {"code": "ACCESS_DENIED", "serviceErrorCode": 100, "message": FORBIDDEN}, Cause.PERMISSION),
        (403, {"message": "Unpermitted fields present in REQUEST_BODY: [/content]"}, Cause.PERMANENT),
        (403, {"message": "This member is restricted"}, Cause.BLOCKED),
        (999, {}, Cause.BLOCKED),
        (404, {"code": "NOT_FOUND"}, Cause.GONE),
        (404, None, Cause.GONE),
        (404, {"code": "RESOURCE_NOT_FOUND", "message": "No virtual resource found"}, Cause.PERMANENT),
        (404, "<html>not here</html>", None),
        (408, {}, None),
        (409, {"message": "conflict"}, Cause.PERMANENT),
        (422, {"message": "ERROR :: /author :: field is required"}, Cause.PERMANENT),
        (400, {"code": "NONEXISTENT_VERSION"}, Cause.PERMISSION),
        (426, "", Cause.PERMISSION),
        (429, "", Cause.THROTTLED),
        (500, {"message": "Internal Server Error"}, None),
        (503, "<html></html>", None),
        (504, {}, None),
    ],
)
def test_causes(status: int, body: Any, cause: Cause | None) -> None:
    sent = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    error = api_error(status, sent, {})
    assert cause_of(error) is cause
    assert isinstance(outcome_of(error), Unknown) == (cause is None)


def test_a_time_that_is_named_is_obeyed() -> None:
    assert api_error(429, b"{}", {"retry-after": "7"}).retry_after == 7
    assert api_error(500, b"{}", {}).retry_after is None
