"""No token stands in what is said of an error, though platforms quote tokens in theirs."""

import json

import pytest

from connectors.linkedin.errors import api_error
from connectors.meta.errors import graph_error
from connectors.quoting import quoted
from connectors.x.errors import x_error

TOKENS = [
    "EAABsbCS1iHgBO7ZC3xQZDZD0m4yYk1Zb2VtVbYlq",
    "AQXdSP_W41_UPs5ioT_t8HESyODB4FqbkJ8LrV_5mff4gPODzOYR",
    "123456789012345|b1d4f7aa02c94e5f8a7b6c5d4e3f2a1b",
    "VTZ4c0Nxc1BhdE1fOWZ4bVk0cWQxQTphdDox.MTY5-0~1",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_in_a_platforms_words_is_left_out(token: str) -> None:
    message = f"Malformed access token {token}"
    meta = json.dumps({"error": {"message": message, "code": 190}}).encode()
    linkedin = json.dumps({"message": message, "status": 401}).encode()
    x = json.dumps({"title": "Unauthorized", "detail": message, "status": 401}).encode()
    for said in (str(graph_error(400, meta)), str(api_error(401, linkedin, {})), str(x_error(401, x, {}))):
        assert token not in said
        assert token[:20] not in said
        assert "[left out]" in said


@pytest.mark.parametrize(
    "message",
    [
        "Requires the 'instagram_business_manage_comments' permission",
        "Object with ID '104000000000001_122100000000000001' does not exist",
        "urn:li:comment:(urn:li:activity:7094637247890620418,7094977717598625792) not found",
        "Not enough permissions to access: partnerApiSocialActions.GET.20260101",
    ],
)
def test_ids_and_names_of_rights_stay(message: str) -> None:
    assert quoted(message) == message


def test_a_message_of_several_lines_and_signs_is_one_line() -> None:
    assert quoted("a\nb\x1b[31mc\u202e") == "a b [31mc "
