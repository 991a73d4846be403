"""The faults that a simulated X account can show."""

from collections.abc import Mapping
from typing import Final

from connectors.simulation import DELIVERY, REPLYING

CATALOGUE: Final[Mapping[str, str]] = {
    **DELIVERY,
    # between the webhook and the reply
    "deleted_before_reply": "the author deletes the post just before the reply arrives (403)",
    "edited_between": "the author edits the post just before it is read",
    # replies
    **REPLYING,
    "reply_without_id": "the reply is created, the answer 201 has no id",
    "created_then_error": "the reply is created, the answer is 503",
    "error_before": "nothing is created, the answer is 503",
    "html_503": "nothing is done, the answer is a page of HTML",
    "duplicate_text": "nothing is created, 403 for duplicate content",
    "unsummoned": "nothing is created, 403 because the author has not named the account",
    # the account
    "throttle": "429 with x-rate-limit headers",
    "throttle_bare": "429 without x-rate-limit-reset, on which tweepy would call again without end",
    "throttle_code": "429 in the older form: errors with code 88",
    "usage_capped": "429 because the month's posts are used up",
    "no_credits": "402 because the app's credits are used up",
    "expired_token": "401",
    "app_only_token": "403, unsupported-authentication",
    "blocked": "403 because the account is suspended",
    "missing_permission": "403, client-forbidden",
    "read_only": "the token's answers say that its app may only read",
    "unsubscribed": "the app has no subscription for the account",
    # reads
    "read_error": "a read is answered 500",
    "empty_page": "a page of a listing is empty and has a next one",
}
