"""Deliveries of X, with what a test wants to differ."""

from typing import Any

from connectors.accounts import Account
from schemas.events import Platform

ME = "2244994945"
ANN = "7000000001"
POST = "1900000000000000001"
COMMENT = "1900000000000000010"
ACCOUNT = Account(tenant_id="acme", platform=Platform.X, account_id=ME, username="parley_test")


def post(**differing: Any) -> dict[str, Any]:
    """A direct answer to the account's post, by somebody else; None leaves a field out."""
    content = {
        "id": COMMENT,
        "text": "@parley_test Where is it? &lt;3",
        "author_id": ANN,
        "conversation_id": POST,
        "created_at": "2026-11-22T11:00:00.000Z",
        "display_text_range": [13, 31],
        "edit_history_tweet_ids": [COMMENT],
        "in_reply_to_user_id": ME,
        "referenced_tweets": [{"type": "replied_to", "id": POST}],
        "entities": {"mentions": [{"start": 0, "end": 12, "username": "parley_test", "id": ME}]},
        **differing,
    }
    return {name: value for name, value in content.items() if value is not None}


def own_post(**differing: Any) -> dict[str, Any]:
    """The account's answer to COMMENT."""
    own = {
        "id": "1900000000000000020",
        "text": "@ann On its way.",
        "author_id": ME,
        "edit_history_tweet_ids": ["1900000000000000020"],
        "in_reply_to_user_id": ANN,
        "referenced_tweets": [{"type": "replied_to", "id": COMMENT}],
        "display_text_range": None,
        "entities": None,
    }
    return post(**{**own, **differing})


def event(payload: Any, kind: str = "post.reply.create", *, user: Any = ME, includes: Any = None) -> Any:
    """A delivery of the X Activity API."""
    data = {
        "event_uuid": "1",
        "filter": {"user_id": user},
        "event_type": kind,
        "tag": "parley",
        "payload": payload,
        "includes": includes or {"users": [{"id": ANN, "name": "Ann", "username": "ann"}]},
    }
    return {"data": data}


def edited(**differing: Any) -> dict[str, Any]:
    """A later wording of COMMENT."""
    later = "1900000000000000015"
    return post(
        **{
            "id": later,
            "text": "@parley_test found it",
            "edit_history_tweet_ids": [COMMENT, later],
            "created_at": "2026-11-22T11:10:00.000Z",
            **differing,
        }
    )


def legacy(**differing: Any) -> dict[str, Any]:
    """A delivery of the Account Activity API with one post."""
    tweet = {
        "created_at": "Sun Nov 22 11:00:00 +0000 2026",
        "id_str": COMMENT,
        "text": "@parley_test Where is …",
        "extended_tweet": {"full_text": "@parley_test Where is it? &lt;3", "display_text_range": [13, 31]},
        "in_reply_to_status_id_str": POST,
        "in_reply_to_user_id_str": ME,
        "user": {"id_str": ANN, "name": "Ann", "screen_name": "ann"},
        "entities": {"user_mentions": [{"id_str": ME, "screen_name": "parley_test", "indices": [0, 12]}]},
        **differing,
    }
    return {"for_user_id": ME, "user_has_blocked": "false", "tweet_create_events": [tweet]}
