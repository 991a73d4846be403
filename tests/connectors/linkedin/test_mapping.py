"""What of LinkedIn's notifications and comments the shared contract does not ask."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.accounts import Account
from connectors.linkedin.mapping import from_listing
from connectors.linkedin.notices import told_by
from connectors.linkedin.webhook import LinkedInWebhook
from connectors.webhook import Change, Ignored, MalformedChange
from schemas.codec import load
from schemas.events import CommentEvent, CommentKind, Platform, Source
from tests.connectors.contract import NOW, mapped, only_event
from tests.connectors.linkedin.payloads import (
    ACTIVITY,
    AUTHOR,
    ORGANISATION,
    OWNER,
    SHARE,
    comment_urn,
    delivery,
    notification,
)

WEBHOOK = LinkedInWebhook(client_secret="s")
ACCOUNT = Account(tenant_id="t", platform=Platform.LINKEDIN, account_id=ORGANISATION)


def event_of(*args: Any, **fields: Any) -> CommentEvent:
    return only_event(WEBHOOK, ACCOUNT, delivery(notification(*args, **fields)))


def listed(**fields: Any) -> CommentEvent | Ignored:
    item = {
        "id": "22",
        "commentUrn": comment_urn(22),
        "object": ACTIVITY,
        "actor": AUTHOR,
        "message": {"attributes": [], "text": "hello"},
        "created": {"actor": AUTHOR, "time": 1691574506310},
        "lastModified": {"actor": AUTHOR, "time": 1691574506310},
        **fields,
    }
    given = {key: content for key, content in item.items() if content is not None}
    return from_listing(given, ACCOUNT, SHARE, NOW, Source.POLL)


def test_the_documented_sample() -> None:
    event = event_of(number=7094977717598625792)
    assert event.kind is CommentKind.ADDED
    assert event.platform_comment_id == f"urn:li:comment:({ACTIVITY},7094977717598625792)"
    assert (event.platform_post_id, event.platform_parent_id) == (SHARE, None)
    assert (event.author_id, event.author_name, event.text) == (AUTHOR, None, "hello")
    assert event.occurred_at == datetime(2023, 8, 9, 9, 48, 26, 310_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {"entity": None},
        {"entity": comment_urn(22), "generatedActivity": None},
        {"entity": "urn:li:comment:(activity:7094637247890620418,22)"},
        {"entity": "urn:li:comment:(urn:li:ugcPost:7094637247487995904,22)"},
    ],
)
def test_short_long_and_ugc_forms_name_one_comment(fields: dict[str, Any]) -> None:
    assert event_of(**fields).comment_id == event_of().comment_id


def test_webhook_and_listing_agree_on_comment_revision_and_post() -> None:
    hooked, polled = event_of(), listed()
    assert isinstance(polled, CommentEvent)
    assert (polled.comment_id, polled.revision_id) == (hooked.comment_id, hooked.revision_id)
    assert (polled.platform_post_id, polled.occurred_at) == (hooked.platform_post_id, hooked.occurred_at)


def test_a_comment_without_its_urn_is_named_by_its_post_and_id() -> None:
    polled = listed(commentUrn=None)
    assert isinstance(polled, CommentEvent)
    assert polled.platform_comment_id == comment_urn(22)
    with pytest.raises(MalformedChange):
        listed(commentUrn=None, id=None)


def test_an_image_does_not_make_another_revision_since_webhooks_tell_of_none() -> None:
    with_image = listed(content=[{"type": "IMAGE", "url": "https://example.org/i.png"}])
    assert isinstance(with_image, CommentEvent)
    assert with_image.revision_id == event_of().revision_id


def test_an_edited_comment_occurred_when_it_was_edited() -> None:
    edited = listed(lastModified={"time": 1691574599000})
    told = event_of("COMMENT_EDIT", lastModifiedAt=1691574599000)
    assert isinstance(edited, CommentEvent)
    assert edited.occurred_at == told.occurred_at
    assert edited.created_at == event_of().occurred_at


@pytest.mark.parametrize("field", ["parentComment", "object"])
def test_a_reply_by_somebody_names_its_parent(field: str) -> None:
    event = event_of(number=23, **{field: comment_urn(22)})
    assert (event.kind, event.platform_parent_id) == (CommentKind.ADDED, comment_urn(22))
    assert event.thread_id == comment_urn(22)


def test_an_own_reply_in_a_plain_comment_notice_or_a_listing_is_seen_as_own() -> None:
    told = event_of("COMMENT", 99, owner=OWNER, parentComment=comment_urn(22))
    polled = listed(id="99", commentUrn=comment_urn(99), actor=OWNER, parentComment=comment_urn(22))
    assert isinstance(polled, CommentEvent)
    for event in (told, polled):
        assert event.kind is CommentKind.REPLY_OBSERVED
        assert (event.platform_comment_id, event.reply_id) == (comment_urn(22), comment_urn(99))


def test_a_deletion_needs_no_decorations() -> None:
    event = event_of(
        "COMMENT_DELETE", decoratedGeneratedActivity=None, decoratedSourcePost=None, sourcePost=None
    )
    assert (event.kind, event.platform_comment_id) == (CommentKind.REMOVED, comment_urn(22))


def test_a_notification_that_stands_twice_in_a_delivery_counts_once() -> None:
    found = mapped(WEBHOOK, ACCOUNT, delivery(notification(), notification()))
    assert isinstance(found[0], CommentEvent)
    assert found[1] == Ignored("notification:repeated")
    without_id = mapped(
        WEBHOOK, ACCOUNT, delivery(*[notification(notificationId=None, number=n) for n in (1, 2)])
    )
    assert all(isinstance(event, CommentEvent) for event in without_id)


def test_a_delivery_of_a_thousand_notifications_is_a_thousand_events() -> None:
    payload = delivery(*[notification(number=number, notificationId=number) for number in range(1000)])
    found = mapped(WEBHOOK, ACCOUNT, payload)
    assert len({event.comment_id for event in found if isinstance(event, CommentEvent)}) == 1000


def test_a_brand_is_an_organisation() -> None:
    urn = f"urn:li:organizationBrand:{ORGANISATION}"
    assert event_of(organizationalEntity=urn).account_id == ORGANISATION


@pytest.mark.parametrize("wrong", [None, "soon", True, 1e300, -5, 9_999_999_999_999, [1]])
def test_a_clock_that_is_wrong_gives_way_to_when_it_was_seen(wrong: Any) -> None:
    assert event_of(lastModifiedAt=wrong).occurred_at == NOW


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("", ""),
        (None, ""),
        ("a\x00b\u202ec", "a\ufffdb\u202ec"),
        ("x\ud83d", "x\ufffd"),
        ("ä" * 9000, "ä" * 9000),
    ],
)
def test_odd_texts_pass_as_comments(sent: str | None, kept: str) -> None:
    assert event_of(text=sent).text == kept


def test_the_notice_of_an_own_replys_deletion_has_its_id_and_nothing_that_tells_whose_it_was() -> None:
    own = event_of("ADMIN_COMMENT", 25, owner=OWNER, parentComment=comment_urn(22))
    gone = event_of("COMMENT_DELETE", 25, decoratedGeneratedActivity=None)
    assert (gone.kind, gone.author_id) == (CommentKind.REMOVED, None)
    # By which `sinks.removed_replies` knows it.
    assert gone.platform_comment_id == own.reply_id


def test_of_several_notices_the_newest_counts_whatever_their_order() -> None:
    reply: dict[str, Any] = {"number": 23, "parentComment": comment_urn(22)}
    items = [
        notification("COMMENT_EDIT", **reply, text="new", lastModifiedAt=1691574506400),
        notification("COMMENT", **reply, text="old"),
        notification("COMMENT", 24),
        notification("ADMIN_COMMENT", 25, owner=OWNER),
        notification("COMMENT_DELETE", 26, decoratedGeneratedActivity=None, decoratedSourcePost=None),
    ]
    told = told_by(items, ACCOUNT, NOW, Source.POLL)
    [(post, on_post)] = told.posts.items()
    assert post == SHARE
    [event] = on_post.replies.values()
    assert (event.kind, event.text) == (CommentKind.ADDED, "new")
    assert on_post.loose == {"24", "25"}
    assert list(told.removed) == [comment_urn(26)]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["action", "owner", "text", "entity", "object", "parentComment", "sourcePost",
                     "lastModifiedAt", "notificationId", "generatedActivity", "decoratedSourcePost",
                     "organizationalEntity"]),
)  # fmt: skip
def test_no_field_whatever_it_holds_breaks_more_than_its_notification(content: Any, name: str) -> None:
    for change in WEBHOOK.split(delivery(notification(**{name: content}))):
        if isinstance(change, Change):
            try:
                found = WEBHOOK.map(change, ACCOUNT, NOW)
            except MalformedChange:
                continue
            if isinstance(found, CommentEvent):
                assert load().decode(load().encode(found), CommentEvent) == found
