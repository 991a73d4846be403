"""Deliveries as LinkedIn's documentation shows them."""

from typing import Any

ORGANISATION = "96072893"
SECRET = "client-secret"
OWNER = f"urn:li:organization:{ORGANISATION}"
ACTIVITY = "urn:li:activity:7094637247890620418"
SHARE = "urn:li:share:7094637247487995904"
AUTHOR = "urn:li:person:zLq"


def comment_urn(number: int) -> str:
    """A comment on the post, by its long name."""
    return f"urn:li:comment:({ACTIVITY},{number})"


def notification(action: str = "COMMENT", number: int = 22, **fields: Any) -> dict[str, Any]:
    """A notification of a comment on the post; None leaves a field out, of the comment or around it."""
    comment = {
        "owner": AUTHOR,
        "text": "hello",
        "entity": comment_urn(number),
        "object": ACTIVITY,
        **{
            key: fields.pop(key)
            for key in ("owner", "text", "entity", "object", "parentComment")
            if key in fields
        },
    }
    value = {
        "notificationId": 5603453321,
        "organizationalEntity": OWNER,
        "action": action,
        "subscriber": AUTHOR,
        "lastModifiedAt": 1691574506310,
        "sourcePost": ACTIVITY,
        "decoratedSourcePost": {"owner": OWNER, "mediaCategory": "NONE", "text": "post", "entity": SHARE},
        "generatedActivity": comment_urn(number).replace("(urn:li:", "("),
        "decoratedGeneratedActivity": {
            "comment": {key: content for key, content in comment.items() if content is not None}
        },
        **fields,
    }
    return {key: content for key, content in value.items() if content is not None}


def delivery(*notifications: Any) -> dict[str, Any]:
    """A delivery of these notifications."""
    return {"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": list(notifications)}
