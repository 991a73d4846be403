"""Signatures and lengths against figures computed elsewhere."""

import json
import time

import pytest

from connectors.x.signing import HEADER, signature
from connectors.x.webhook import XWebhook
from schemas.lengths import weighted_length


def test_the_challenge_is_answered_with_its_signature() -> None:
    answer = XWebhook(consumer_secret="consumer-secret").handshake({"crc_token": "challenge_string"})
    assert (answer.status, answer.media_type) == (200, "application/json")
    token = "sha256=S/mG8E9n5SjoGuCqHguvP8K8uuu5ogCPF0dOpIdyZlk="
    assert json.loads(answer.body) == {"response_token": token}


def test_the_handshake_signs_no_delivery_for_whoever_asks() -> None:
    forged = '{"for_user_id":"1","tweet_create_events":[]}'
    webhook = XWebhook(consumer_secret="consumer-secret")
    assert webhook.handshake({"crc_token": forged}).status == 403
    assert webhook.handshake({"crc_token": "a" * 1000}).status == 403


def test_without_a_secret_nothing_is_signed_and_nothing_accepted() -> None:
    webhook = XWebhook(consumer_secret=None)
    assert webhook.handshake({"crc_token": "a"}).status == 403
    assert not webhook.verify({HEADER: signature("", b"{}")}, b"{}")


def test_a_body_that_was_parsed_and_written_again_fails_its_signature() -> None:
    body = b'{"data":{"payload":{"text":"caf\\u00e9"}}}'
    again = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
    webhook = XWebhook(consumer_secret="s")
    assert webhook.verify({HEADER: signature("s", body)}, body)
    assert not webhook.verify({HEADER: signature("s", body)}, again)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("Hello, world! 👋", 16),
        ("👨‍👩‍👧‍👦", 2),
        ("👍🏽 ok", 5),
        ("🇩🇪🇫🇷", 4),
        ("1️⃣", 2),
        ("https://example.com/a?b=c#d", 23),
        ("https://t.co/abc, and", 28),
        ("see x.com/abc", 27),
        ("日本語", 6),
        ("café", 4),
        ("cafe\u0301", 4),
        ("“quoted” – it’s…", 17),
        ("a" * 281, 281),
        ("", 0),
    ],
)
def test_characters_are_weighed_as_x_weighs_them(text: str, length: int) -> None:
    assert weighted_length(text) == length


def test_what_may_be_a_link_weighs_no_less_than_one() -> None:
    assert weighted_length("it ends.Then goes") >= len("it ends.Then goes")


@pytest.mark.parametrize("piece", ["x", "1.", "https://", "x.y/", "@", "-"])
def test_a_long_text_is_weighed_in_no_time(piece: str) -> None:
    began = time.process_time()
    assert weighted_length(piece * (100_000 // len(piece))) > 280
    assert time.process_time() - began < 5
