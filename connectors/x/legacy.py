"""Posts in the form of API v1.1, as the deprecated Account Activity API sends them -> API v2. Pure.

Source: "Account Activity API: payload examples" and the v1.1 Tweet object of X's documentation.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_KINDS: Final = {"photo": "3", "video": "7", "animated_gif": "16"}


def modern(tweet: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(post, includes) with the same content; what does not fit is left for the mapping to refuse.

    v1.1 does not name the conversation.
    """
    long = _object(tweet, "extended_tweet")
    body = {**tweet, **long}
    user = _object(tweet, "user")
    post: dict[str, Any] = {
        "id": tweet.get("id_str"),
        "text": body.get("full_text", tweet.get("text")),
        "author_id": user.get("id_str"),
        "created_at": _time(tweet.get("created_at")),
        "display_text_range": body.get("display_text_range"),
        "in_reply_to_user_id": tweet.get("in_reply_to_user_id_str"),
        "referenced_tweets": list(_references(tweet)),
        "entities": {
            "mentions": [
                {
                    "id": mention.get("id_str"),
                    "username": mention.get("screen_name"),
                    "start": next(iter(mention.get("indices") or ()), None),
                }
                for mention in _list(_object(body, "entities"), "user_mentions")
            ]
        },
        "attachments": {
            "media_keys": [
                f"{_KINDS.get(str(media.get('type')), '0')}_{media.get('id_str')}"
                for media in _list(_object(body, "extended_entities"), "media")
            ]
        },
    }
    history = _object(tweet, "edit_history").get("edit_tweet_ids")
    if isinstance(history, list):
        post["edit_history_tweet_ids"] = [str(entry) for entry in history]
    quoted = _object(tweet, "quoted_status")
    includes = {
        "users": [
            {
                "id": user.get("id_str"),
                "name": user.get("name"),
                "username": user.get("screen_name"),
                "public_metrics": {"followers_count": user.get("followers_count")},
            }
        ],
        "tweets": [{"id": quoted["id_str"], "author_id": _object(quoted, "user").get("id_str")}]
        if isinstance(quoted.get("id_str"), str)
        else [],
    }
    return post, includes


def _references(tweet: Mapping[str, Any]) -> Any:
    answered = tweet.get("in_reply_to_status_id_str")
    quoted = tweet.get("quoted_status_id_str")
    repeated = _object(tweet, "retweeted_status").get("id_str")
    for kind, found in (("replied_to", answered), ("quoted", quoted), ("retweeted", repeated)):
        if found is not None:
            yield {"type": kind, "id": found}


def _time(value: object) -> str | None:
    """`Wed Oct 10 20:19:24 +0000 2018` in ISO form; None where it is not."""
    try:
        read = datetime.strptime(str(value), "%a %b %d %H:%M:%S %z %Y")
    except ValueError:
        return None
    return read.astimezone(UTC).isoformat()


def _object(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = values.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(values: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = values.get(key)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
