"""The faults that a simulated organisation can show."""

from collections.abc import Mapping
from typing import Final

from connectors.simulation import DELIVERY, REPLYING

CATALOGUE: Final[Mapping[str, str]] = {
    **DELIVERY,
    # webhooks
    "undecorated": "a notification names the comment and nothing of its content",
    "parent_missing": "a notification of a reply does not say what it answers",
    "challenge_late": "the answer to a challenge counts as later than 3 s",
    # between the webhook and the reply
    "deleted_before_reply": "the author deletes the comment just before the reply arrives (404)",
    "edited_between": "the author edits the comment just before it is read",
    # replies
    **REPLYING,
    "reply_without_id": "the reply is created, the 201 has neither header nor body",
    "reply_without_body": "the reply is created, the 201 has the header alone",
    "reply_without_header": "the reply is created, the 201 has the body alone",
    "created_then_error": "the reply is created, the answer is 500",
    "error_before": "nothing is created, the answer is 500",
    "html_503": "nothing is done, the answer is a page of HTML",
    "duplicate_text": "nothing is created, 422",
    "comments_disabled": "nothing is created, 403: comments are disabled on the post",
    "comment_throttled": "nothing is created, 429: about a minute's throttle",
    # the account
    "throttle": "429 that names the day's quota, without Retry-After",
    "throttle_bare": "429 that names nothing",
    "expired_token": "401, code 65602",
    "token_dies": "the token of this call is dead from now on; a refresh gives one that lives",
    "refresh_refused": "the refresh token is over: 400",
    "missing_scope": "the token's introspection names fewer scopes than are needed",
    "missing_permission": "403, ACCESS_DENIED",
    "blocked": "403: the member is restricted",
    "version_sunset": "426, NONEXISTENT_VERSION",
    "role_without_read": "comments are answered 200 with an empty list",
    "no_notices": "organizationalEntityNotifications is answered 403",
    "not_subscribed": "there is no event subscription",
    # reads
    "read_error": "a read is answered 500",
    "empty_page": "a page of a listing is empty and has a next one",
    "no_links": "a page names its total and no links",
    "no_total": "a page names neither its total nor links",
}
