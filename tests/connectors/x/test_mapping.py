"""What X says of posts, in all its forms."""

from typing import Any

import pytest

from connectors.x.mapping import engagement, from_post, post_event
from connectors.x.webhook import XWebhook
from schemas import identity
from schemas.events import CommentEvent, CommentKind, Platform, Source
from tests.connectors.contract import NOW, only_event
from tests.connectors.x.payloads import (
    ACCOUNT,
    ANN,
    COMMENT,
    ME,
    POST,
    edited,
    event,
    legacy,
    own_post,
    post,
)

WEBHOOK = XWebhook(consumer_secret="s")
LATER = "1900000000000000015"


def mapped(content: dict[str, Any], kind: str = "post.reply.create", **more: Any) -> CommentEvent:
    return only_event(WEBHOOK, ACCOUNT, event(content, kind, **more))


def polled(content: dict[str, Any], includes: Any = None) -> CommentEvent:
    found = from_post(content, includes, ACCOUNT, NOW, Source.POLL, concerns_account=True)
    assert isinstance(found, CommentEvent)
    return found


def test_an_answer_to_the_accounts_post_is_a_comment_on_it() -> None:
    found = mapped(post())
    assert (found.platform_comment_id, found.platform_post_id, found.platform_parent_id) == (
        COMMENT,
        POST,
        None,
    )
    assert (found.author_id, found.author_name) == (ANN, "Ann")
    assert found.text == "Where is it? <3"
    assert found.permalink == f"https://x.com/ann/status/{COMMENT}"


def test_an_answer_among_others_names_what_it_answers() -> None:
    found = mapped(post(referenced_tweets=[{"type": "replied_to", "id": "1900000000000000009"}]))
    assert found.platform_parent_id == "1900000000000000009"


def test_old_and_new_names_give_the_same_event() -> None:
    new = post(
        referenced_tweets=None,
        edit_history_tweet_ids=None,
        referenced_posts=[{"type": "replied_to", "id": POST}],
        edit_history_post_ids=[COMMENT],
    )
    assert mapped(new) == mapped(post())
    long = {"text": "@parley_test so long that it goes on"}
    assert mapped(post(note_post=long)) == mapped(post(note_tweet=long))
    assert mapped(post(note_post=long)).text == "so long that it goes on"


def test_the_older_form_gives_the_same_wording() -> None:
    new, old = mapped(post()), only_event(WEBHOOK, ACCOUNT, legacy())
    assert (old.comment_id, old.revision_id, old.occurred_at) == (
        new.comment_id,
        new.revision_id,
        new.occurred_at,
    )
    assert old.platform_post_id is None


def test_webhook_and_poll_give_the_same_revision() -> None:
    assert polled(post(display_text_range=None)).revision_id == mapped(post()).revision_id


def test_an_edit_is_another_wording_of_the_first_id() -> None:
    found = mapped(edited())
    assert (found.kind, found.platform_comment_id, found.text) == (CommentKind.EDITED, COMMENT, "found it")
    assert polled(edited()).kind is CommentKind.ADDED
    assert polled(edited()).revision_id == found.revision_id


def test_names_that_x_puts_before_a_reply_are_no_mention() -> None:
    assert mapped(post()).mentions_account is False
    assert mapped(post(display_text_range=None)).mentions_account is False


def test_a_name_that_the_author_wrote_is_a_mention() -> None:
    named = {"mentions": [{"start": 20, "end": 32, "username": "Parley_Test", "id": ME}]}
    assert mapped(post(entities=named)).mentions_account is True
    assert mapped(post(), "post.mention.create").mentions_account is True
    at_start = post(in_reply_to_user_id=None, referenced_tweets=None, display_text_range=None)
    assert mapped(at_start, "post.create").mentions_account is True


def test_quoting_the_account_counts_as_mentioning_it() -> None:
    quoting = post(referenced_tweets=[{"type": "quoted", "id": POST}, {"type": "replied_to", "id": "5"}])
    includes = {"tweets": [{"id": POST, "author_id": ME}]}
    assert mapped(quoting, includes=includes).mentions_account is True
    assert mapped(quoting).mentions_account is False


def test_an_own_reply_to_an_edited_post_is_kept_under_its_first_id() -> None:
    own = own_post(referenced_tweets=[{"type": "replied_to", "id": LATER}])
    includes = {"tweets": [{"id": LATER, "edit_history_tweet_ids": [COMMENT, LATER]}]}
    found = mapped(own, "post.create", includes=includes)
    assert (found.platform_comment_id, found.text) == (COMMENT, "On its way.")
    assert found.comment_id == identity.comment_id(Platform.X, ME, COMMENT)


def test_a_post_of_names_alone_keeps_them() -> None:
    assert mapped(post(text="@parley_test ")).text == "@parley_test "


def test_attachments_are_told_by_their_keys() -> None:
    media = {"media_keys": ["3_1", "7_2", "16_3", "x"], "poll_ids": ["4"]}
    kinds = [item.kind for item in mapped(post(attachments=media)).attachments]
    assert kinds == ["photo", "video", "animated_gif", "media", "poll"]


@pytest.mark.parametrize("created_at", [None, "yesterday", 7, "2999-01-01T00:00:00Z"])
def test_without_a_time_the_id_tells_it(created_at: Any) -> None:
    # 1212092628029698048 is documented by X as of 31 December 2019, 19:26:16.
    old = post(id="1212092628029698048", edit_history_tweet_ids=None, created_at=created_at)
    assert mapped(old).occurred_at.isoformat().startswith("2019-12-31T19:26:16")


@pytest.mark.parametrize(
    ("metrics", "followers"),
    [
        ({"followers_count": 1200, "tweet_count": 5}, 1200),
        ({"followers_count": 0}, 0),
        ({"followers_count": True}, None),
        ({"followers_count": "many"}, None),
        ({"followers_count": 2**31}, None),
        ({}, None),
        (None, None),
    ],
)
def test_an_authors_followers_are_told_where_x_tells_them(metrics: Any, followers: int | None) -> None:
    ann = {"id": ANN, "name": "Ann", "username": "ann", "public_metrics": metrics}
    me = {"id": ME, "name": "Us", "username": "parley_test", "public_metrics": {"followers_count": 7}}
    includes = {"users": [me, ann]}
    assert mapped(post(), includes=includes).author_followers == followers
    assert polled(post(), includes).author_followers == followers
    assert mapped(own_post(), "post.create", includes=includes).author_followers is None


def test_the_older_form_tells_followers_too() -> None:
    ann = {"id_str": ANN, "name": "Ann", "screen_name": "ann", "followers_count": 1200}
    assert only_event(WEBHOOK, ACCOUNT, legacy(user=ann)).author_followers == 1200
    assert only_event(WEBHOOK, ACCOUNT, legacy()).author_followers is None


def test_a_posts_counts_and_permalink() -> None:
    content = post(public_metrics={"like_count": 3, "reply_count": True})
    counts = engagement(content, ACCOUNT, NOW, comment_id="c")
    assert counts is not None
    assert (counts.platform_post_id, counts.likes, counts.replies) == (POST, 3, None)
    assert engagement(post(), ACCOUNT, NOW) is None
    assert post_event(post(id="5", edit_history_tweet_ids=None), None, ACCOUNT, NOW).permalink == (
        "https://x.com/i/status/5"
    )


@pytest.mark.parametrize(("author", "told"), [(ME, True), (ANN, False), (None, None)])
def test_a_post_says_whether_the_account_wrote_it(author: str | None, told: bool | None) -> None:
    assert post_event(post(author_id=author), None, ACCOUNT, NOW).by_account is told
