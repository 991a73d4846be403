"""What of Facebook's changes the shared contract does not ask."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.accounts import Account
from connectors.facebook.mapping import from_listing
from connectors.facebook.webhook import FacebookWebhook
from connectors.webhook import Change, Ignored, MalformedChange
from schemas.codec import load
from schemas.events import CommentEvent, CommentKind, Platform, Source
from tests.connectors.contract import NOW, mapped, only_event
from tests.connectors.facebook.payloads import AUTHOR, PAGE, POST, change, delivery

WEBHOOK = FacebookWebhook(app_secret="s", verify_token="w")
ACCOUNT = Account(tenant_id="t", platform=Platform.FACEBOOK, account_id=PAGE)


def event_of(**fields: Any) -> CommentEvent:
    return only_event(WEBHOOK, ACCOUNT, delivery(change(**fields)))


@pytest.mark.parametrize("given_id", ["22", 22, "11_22", f"{PAGE}_22"])
def test_a_comment_has_one_name_in_whatever_form_its_id_comes(given_id: str | int) -> None:
    assert event_of(comment_id=given_id).comment_id == event_of().comment_id


def test_webhook_and_listing_agree_on_comment_and_revision() -> None:
    item = {
        "id": "11_22",
        "message": "hello",
        "from": {"id": AUTHOR, "name": "Ana"},
        "created_time": "2023-11-14T22:13:20+0000",
        "attachment": {"type": "photo"},
    }
    listed = from_listing(item, ACCOUNT, POST, NOW, Source.POLL)
    hooked = event_of(photo="https://example.org/p.jpg?signed=1")
    assert isinstance(listed, CommentEvent)
    assert (listed.comment_id, listed.revision_id) == (hooked.comment_id, hooked.revision_id)
    assert listed.occurred_at == hooked.occurred_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_reply_by_somebody_names_its_parent() -> None:
    event = event_of(comment_id="11_23", parent_id="22")
    assert (event.kind, event.platform_parent_id, event.thread_id) == (CommentKind.ADDED, "11_22", "11_22")


def test_the_older_form_and_a_missing_author_are_both_taken() -> None:
    old = event_of(author=None, sender_id=77, sender_name="Old Style")
    assert (old.author_id, old.author_name) == ("77", "Old Style")
    nobody = event_of(author=None)
    assert (nobody.author_id, nobody.author_name) == (None, None)


def test_an_own_reply_in_the_older_form_is_seen_as_own() -> None:
    event = event_of(author=None, sender_id=int(PAGE), comment_id="11_99", parent_id="11_22")
    assert event.kind is CommentKind.REPLY_OBSERVED


def test_a_hide_by_the_page_of_somebodys_comment_is_passed_on() -> None:
    hidden, shown = event_of(verb="hide", author=PAGE), event_of(verb="unhide", author=PAGE)
    assert (hidden.kind, hidden.is_hidden, hidden.revision_id) == (CommentKind.HIDDEN, True, None)
    assert (shown.kind, shown.is_hidden) == (CommentKind.HIDDEN, False)


def test_an_addition_happened_when_created_and_a_change_when_told() -> None:
    assert event_of().occurred_at.timestamp() == 1_700_000_000
    assert event_of(verb="edited").occurred_at.timestamp() == 1_700_000_100
    assert event_of(verb="remove", created_time=None).occurred_at.timestamp() == 1_700_000_100


@pytest.mark.parametrize("wrong", [None, "soon", True, 1e300, -5, 9_999_999_999, 1_700_000_000_000, [1]])
def test_a_clock_that_is_wrong_gives_way_to_the_entrys_time(wrong: Any) -> None:
    assert event_of(created_time=wrong).occurred_at.timestamp() == 1_700_000_100


def test_without_any_time_it_happened_when_seen() -> None:
    [event] = mapped(WEBHOOK, ACCOUNT, delivery(change(created_time=None), time="?"))
    assert isinstance(event, CommentEvent)
    assert event.occurred_at == NOW


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("", ""),
        (None, ""),
        ("a\x00b\x07\u202ec", "a\ufffdb\x07\u202ec"),
        ("x\ud83d", "x\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("ä" * 50_000, "ä" * 50_000),
    ],
)
def test_odd_texts_pass_as_comments(sent: str | None, kept: str) -> None:
    assert event_of(message=sent).text == kept


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["comment_id", "post_id", "parent_id", "from", "message", "verb", "item", "created_time",
                     "photo", "sender_id", "field"]),
)  # fmt: skip
def test_no_field_whatever_it_holds_breaks_more_than_its_change(content: Any, name: str) -> None:
    found = mapped_value({**change(), name: content})
    if isinstance(found, CommentEvent):
        assert load().decode(load().encode(found), CommentEvent) == found


def mapped_value(value: dict[str, Any]) -> CommentEvent | Ignored | str:
    try:
        return WEBHOOK.map(Change(PAGE, "feed", value, None), ACCOUNT, NOW)
    except MalformedChange as error:
        return error.reason
