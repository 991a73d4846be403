"""Test vectors of the platform contracts, section 9."""

import json

from connectors.linkedin.signing import HEADER, challenge_response, signature
from connectors.linkedin.webhook import LinkedInWebhook

BODY = b'{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[]}'
SIGNATURE = "4168af67cea95f7d24a882bff847d768c543da81e033c71278c6350cb5edf632"
CODE = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
RESPONSE = "8ab4bbad570533d66462deba280bde93c1cad8b543e7f526d3e962acaf6c391a"
WEBHOOK = LinkedInWebhook(client_secret="client-secret")


def test_the_signature_of_a_delivery_holds_a_prefix_that_the_header_lacks() -> None:
    assert signature("client-secret", BODY) == SIGNATURE
    assert WEBHOOK.verify({HEADER: SIGNATURE}, BODY)
    assert not WEBHOOK.verify({HEADER: f"hmacsha256={SIGNATURE}"}, BODY)
    assert not WEBHOOK.verify({HEADER: SIGNATURE.upper()}, BODY)


def test_a_body_that_was_parsed_and_written_again_fails() -> None:
    assert not WEBHOOK.verify({HEADER: SIGNATURE}, json.dumps(json.loads(BODY)).encode())


def test_a_challenge_is_answered_with_its_code_and_the_response_as_json() -> None:
    assert challenge_response("client-secret", CODE) == RESPONSE
    answer = WEBHOOK.handshake({"challengeCode": CODE, "applicationId": "7"})
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert json.loads(answer.body) == {"challengeCode": CODE, "challengeResponse": RESPONSE}
    assert WEBHOOK.handshake({"challengeCode": "<script>"}).status == 403


def test_without_a_secret_nothing_is_verified() -> None:
    unset = LinkedInWebhook(client_secret=None)
    assert not unset.verify({HEADER: signature("", BODY)}, BODY)
    assert unset.handshake({"challengeCode": CODE}).status == 403
