"""What a read asks for: fields under either name, times, pages. Wrong questions are told as X tells them."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.x.simulator.answers import invalid

_EXPANDED: Final = {
    "referenced_posts": "referenced_tweets",
    "edit_history_post_ids": "edit_history_tweet_ids",
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for.

    `fields` of posts in the old names, those of users as `user.NAME`; `start` in unix seconds; `below`: only
    posts with smaller ids; `skipped`: the page before was empty.
    """

    fields: frozenset[str]
    expands: bool
    start: float
    since_id: int
    below: int | None
    size: int
    skipped: bool


def question(
    request: Request, *, renamed: bool, smallest: int = 5, listing: bool = True
) -> Question | Response:
    """The question of a request, or the 400 that it gets."""
    given = request.query_params
    wrong = "tweet.fields" if renamed else "post.fields"
    if wrong in given:
        return invalid(
            wrong,
            given[wrong],
            f"The query parameter [{wrong}] is not one of the accepted ones",
            renamed=renamed,
        )
    fields = set(given.get("post.fields" if renamed else "tweet.fields", "").split(","))
    expansions = set(given.get("expansions", "").split(","))
    if renamed:
        fields = {"note_tweet" if name == "note_post" else name for name in fields}
        fields |= {old for new, old in _EXPANDED.items() if new in expansions}
    fields |= {f"user.{name}" for name in given.get("user.fields", "").split(",")}
    size = given.get("max_results", "10")
    if listing and not (size.isdigit() and smallest <= int(size) <= 100):
        message = f"The `max_results` query parameter value [{size}] is not between {smallest} and 100"
        return invalid("max_results", size, message, renamed=renamed)
    token = given.get("pagination_token") or given.get("next_token")
    below, skipped = _position(token) if token else (None, False)
    if token and below is None:
        return invalid("pagination_token", token, "The pagination token is invalid", renamed=renamed)
    since = given.get("since_id", "0")
    return Question(
        fields=frozenset(fields),
        expands=bool(expansions - {""}),
        start=_time(given.get("start_time")),
        since_id=int(since) if since.isdigit() else 0,
        below=below,
        size=int(size) if size.isdigit() else 10,
        skipped=skipped,
    )


def token(below: int, *, skipped: bool = False) -> str:
    """A page's token."""
    return base64.b32encode(f"{below}{'e' if skipped else ''}".encode()).decode().lower().rstrip("=")


def _position(given: str) -> tuple[int | None, bool]:
    try:
        decoded = base64.b32decode(given.upper() + "=" * (-len(given) % 8)).decode("ascii")
    except (binascii.Error, ValueError):
        return None, False
    number = decoded.removesuffix("e")
    return (int(number), decoded.endswith("e")) if number.isdigit() else (None, False)


def _time(given: str | None) -> float:
    try:
        return datetime.fromisoformat(given).timestamp() if given else 0.0
    except ValueError:
        return 0.0
