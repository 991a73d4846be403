"""The forms of Instagram's deliveries, whose comment one is, and what becomes of it."""

import json
from typing import Any

import pytest

from connectors.accounts import Account
from connectors.instagram.access import signing_secret
from connectors.instagram.mapping import comment_engagement, from_listing, media_engagement
from connectors.instagram.webhook import InstagramWebhook, instagram_webhook
from connectors.meta.signing import HEADER, signature
from connectors.webhook import Ignored, event_id
from infra.settings import Settings
from schemas.events import CommentEvent, CommentKind, Platform, Source
from tests.connectors.contract import NOW, mapped, only_event
from tests.connectors.instagram.payloads import ACCOUNT, AUTHOR, OWN, USERNAME, bare, delivery, value

WEBHOOK = InstagramWebhook(app_secret="app-secret", verify_token="word")
ME = Account(tenant_id="t", platform=Platform.INSTAGRAM, account_id=ACCOUNT, username=USERNAME)
NAMELESS = Account(tenant_id="t", platform=Platform.INSTAGRAM, account_id=ACCOUNT)


def listed(item: dict[str, Any], account: Account = ME, parent_id: str | None = None) -> Any:
    return from_listing(
        item, account, post_id="180001", parent_id=parent_id, observed_at=NOW, source=Source.POLL
    )


def test_both_logins_forms_and_a_list_around_them_are_the_same_comment() -> None:
    plain = only_event(WEBHOOK, ME, delivery(value()))
    assert only_event(WEBHOOK, ME, bare(value())) == plain
    assert only_event(WEBHOOK, ME, [delivery(value())]) == plain
    assert mapped(WEBHOOK, ME, [bare(value()), delivery(value())]) == [plain, plain]


def test_a_form_without_value_or_without_field_is_told_by_name() -> None:
    assert mapped(WEBHOOK, ME, bare(None)) == ["value"]
    assert mapped(WEBHOOK, ME, bare({}, field="mentions")) == [Ignored("field:mentions")]
    assert mapped(WEBHOOK, ME, [7, None]) == [Ignored("object:other")] * 2


def test_a_notice_is_an_added_comment_at_the_time_of_its_entry() -> None:
    event = only_event(WEBHOOK, ME, delivery(value()))
    assert (event.kind, event.platform_comment_id, event.platform_post_id) == (
        CommentKind.ADDED,
        "179001",
        "180001",
    )
    assert (event.author_id, event.author_name, event.text) == (AUTHOR, "ana", "hello")
    assert event.occurred_at.timestamp() == 1_700_000_100
    assert event.created_at is None


def test_an_own_comment_is_told_by_id_or_by_name_in_any_case() -> None:
    for author in (OWN, {"id": ACCOUNT}, {"id": "app-scoped", "username": USERNAME.upper()}):
        event = only_event(WEBHOOK, ME, delivery(value(**{"from": author, "parent_id": "1"})))
        assert event.kind is CommentKind.REPLY_OBSERVED


def test_self_ig_scoped_id_proves_nothing() -> None:
    author = {"id": AUTHOR, "username": "ana", "self_ig_scoped_id": ACCOUNT}
    assert only_event(WEBHOOK, ME, delivery(value(**{"from": author}))).kind is CommentKind.ADDED


def test_a_name_is_nobodys_own_where_the_accounts_is_not_known() -> None:
    payload = delivery(value(**{"from": {"id": AUTHOR, "username": USERNAME}}))
    assert only_event(WEBHOOK, NAMELESS, payload).kind is CommentKind.ADDED


def test_a_reply_by_a_person_names_its_parent() -> None:
    event = only_event(WEBHOOK, ME, delivery(value(parent_id="178999")))
    assert (event.platform_parent_id, event.thread_id) == ("178999", "178999")


def test_a_comment_on_an_advertisement_belongs_to_the_media_advertised() -> None:
    media = {"id": "180009", "media_product_type": "AD", "ad_id": "2384", "original_media_id": "180001"}
    assert only_event(WEBHOOK, ME, delivery(value(media=media))).platform_post_id == "180001"
    del media["original_media_id"]
    assert only_event(WEBHOOK, ME, delivery(value(media=media))).platform_post_id == "180009"


def test_a_live_comment_is_a_comment() -> None:
    event = only_event(WEBHOOK, ME, delivery({"id": "1", "text": "hi"}, field="live_comments"))
    assert (event.kind, event.platform_post_id, event.author_id) == (CommentKind.ADDED, None, None)


def test_a_comment_of_a_picture_alone_has_an_empty_text() -> None:
    assert only_event(WEBHOOK, ME, delivery(value(text=None))).text == ""


def test_a_poll_gives_the_webhooks_event_id() -> None:
    item = {"id": "179001", "text": "hello", "timestamp": "2023-11-14T22:15:00+0000", "username": "ana"}
    polled = listed(item)
    assert isinstance(polled, CommentEvent)
    assert event_id(polled) == event_id(only_event(WEBHOOK, ME, delivery(value())))


def test_an_own_listed_reply_may_be_told_by_name_or_by_user_alone() -> None:
    for whose in ({"username": USERNAME}, {"user": {"id": ACCOUNT}}):
        event = listed({"id": "2", "text": "hi", **whose}, parent_id="1")
        assert (event.kind, event.platform_comment_id, event.reply_id) == (
            CommentKind.REPLY_OBSERVED,
            "1",
            "2",
        )


def test_counts_of_media_and_comments() -> None:
    media = media_engagement({"id": "180001", "like_count": 7, "comments_count": 2}, ME, NOW)
    assert media is not None
    assert (media.likes, media.replies, media.comment_id) == (7, 2, None)
    assert media_engagement({"id": "180001", "like_count": True}, ME, NOW) is None
    item = {"id": "1", "text": "x", "like_count": 3, "hidden": True}
    event = listed(item)
    counts = comment_engagement(item, event, 4)
    assert counts is not None
    assert (counts.comment_id, counts.likes, counts.replies, counts.is_hidden) == (
        event.comment_id,
        3,
        4,
        True,
    )


BODY = (
    b'{"object":"instagram","entry":[{"id":"1","time":1700000000,"field":"comments","value":'
    b'{"id":"2","text":"caf\\u00e9"}}]}'
)


def test_which_apps_secret_signs_is_a_setting() -> None:
    secrets: dict[str, Any] = {"facebook_app_secret": "facebook's", "instagram_app_secret": "instagram's"}
    for login, signed_by, secret in (
        ("facebook", None, "facebook's"),
        ("instagram", None, "instagram's"),
        ("instagram", "facebook", "facebook's"),
        ("facebook", "instagram", "instagram's"),
    ):
        settings = Settings(**secrets, instagram_login=login, instagram_signed_by=signed_by)
        assert signing_secret(settings) == secret
        assert instagram_webhook(settings).verify({HEADER: signature(secret, BODY)}, BODY)
    assert not instagram_webhook(Settings()).verify({HEADER: signature("", BODY)}, BODY)


def test_a_body_that_was_parsed_and_written_again_fails() -> None:
    again = json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":")).encode()
    assert WEBHOOK.verify({HEADER: signature("app-secret", BODY)}, BODY)
    assert not WEBHOOK.verify({HEADER: signature("app-secret", BODY)}, again)


@pytest.mark.parametrize("token", ["word", "other"])
def test_the_handshake_echoes_the_challenge_to_who_knows_the_word(token: str) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
    answer = WEBHOOK.handshake(query)
    assert (answer.status, answer.body) == ((200, b"1158201444") if token == "word" else (403, b"Forbidden"))
