"""Test vectors of the platform contracts, section 9."""

import json

from connectors.facebook.webhook import FacebookWebhook
from connectors.meta.signing import HEADER, appsecret_proof, signature

BODY = (
    b'{"object":"page","entry":[{"id":"1","time":1700000000,"changes":[{"field":"feed","value":'
    b'{"item":"comment","verb":"add","message":"caf\\u00e9"}}]}]}'
)
SIGNATURE = "sha256=63e5a64a412c826815d28c07f4733b5b253b09f196a0c9ad2b2f43b17ee476fb"
WEBHOOK = FacebookWebhook(app_secret="app-secret", verify_token="meatyhamhock")


def test_the_signature_of_the_escaped_bytes() -> None:
    assert len(BODY) == 147
    assert signature("app-secret", BODY) == SIGNATURE
    assert WEBHOOK.verify({HEADER: SIGNATURE}, BODY)


def test_a_body_that_was_parsed_and_written_again_fails() -> None:
    decoded = json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":")).encode()
    assert signature("app-secret", decoded).startswith("sha256=f18c0872")
    assert not WEBHOOK.verify({HEADER: SIGNATURE}, decoded)


def test_a_signature_in_capitals_or_without_its_prefix_fails() -> None:
    assert not WEBHOOK.verify({HEADER: SIGNATURE.upper()}, BODY)
    assert not WEBHOOK.verify({HEADER: SIGNATURE.removeprefix("sha256=")}, BODY)


def test_without_a_secret_nothing_is_verified() -> None:
    unset = FacebookWebhook(app_secret=None, verify_token=None)
    assert not unset.verify({HEADER: SIGNATURE}, BODY)
    assert not unset.verify({HEADER: signature("", BODY)}, BODY)
    assert (
        unset.handshake({"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}).status == 403
    )


def test_the_proof_of_a_token() -> None:
    assert (
        appsecret_proof("app-secret", "page-token")
        == "d8b448b9cc7d64c51098271805b3cc20b5b715e52bd587eb71b610259587c856"
    )


def test_the_handshake_echoes_the_challenge() -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "meatyhamhock"}
    answer = WEBHOOK.handshake(query)
    assert (answer.status, answer.body, answer.media_type) == (200, b"1158201444", "text/plain")
    for wrong in ({"hub.verify_token": "é"}, {"hub.mode": "x"}, {"hub.challenge": "<script>"}):
        assert WEBHOOK.handshake({**query, **wrong}).status == 403
