"""The faults that a simulated account can show."""

from collections.abc import Mapping
from typing import Final

from connectors.simulation import DELIVERY, REPLYING

CATALOGUE: Final[Mapping[str, str]] = {
    **DELIVERY,
    "wrapped_delivery": "a delivery is wrapped in a list, as in the documentation's example",
    "sparse_notice": "a comment's notice holds its id and text alone, as recorded",
    "ad_notice": "a comment's notice names an advertisement made of the media",
    "live_notice": "a comment is announced as one on live video",
    # between the webhook and the reply
    "deleted_before_reply": "the author deletes the comment just before the reply arrives (100/33)",
    "gone_without_subcode": "the error of a missing comment is a bare code 100, as recorded",
    "edited_between": "the comment has another text when it is read",
    # replies
    **REPLYING,
    "reply_without_id": "the reply is created, the answer 200 has no id",
    "created_then_error": "the reply is created, the answer is 500",
    "created_then_400": "the reply is created, the answer is 400, code 20/1772107",
    "error_before": "nothing is created, the answer is 500, code 2",
    "html_503": "nothing is done, the answer is a page of HTML",
    "duplicate_text": "nothing is created, code 506",
    # the account
    "throttle": "code 80002 with usage headers",
    "throttle_bare": "code 4/1504022 without usage headers",
    "expired_token": "code 190/463, also when the token is to be renewed",
    "blocked": "code 368",
    "missing_permission": "code 10",
    "missing_scope": "the token lacks the right to manage comments",
    "unsubscribed": "the app is not subscribed to the account",
    "empty_answers": "comments are counted and none is shown, without an error: the wrong kind of token",
    # reads
    "read_error": "a read is answered 500, code 1",
    "empty_page": "a page of a listing is empty and has a next one",
}
