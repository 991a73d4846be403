"""One exchange with X through tweepy's async client, whose transport is replaced.

tweepy 4.17 builds the requests: it knows the endpoints and their parameters. Sending them it hard-codes the
host, gives no time limit, lets aiohttp's errors escape, calls again without end on a 429 that names no time,
and logs the token at level debug. So `request`, the one method through which it sends, is ours: one HTTP pool
for all platforms, the host a setting, one request a call, and errors of our tree.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import aiohttp
import httpx
from tweepy.asynchronous import AsyncClient

from connectors.outcomes import Cause, NotSent, Unknown
from connectors.platform import Usage
from connectors.x.errors import XError, outcome_of, parsed, x_error
from connectors.x.usage import Counters
from schemas.errors import ConfigurationError, TransientError

NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures of httpx before the first byte of a request was written."""

FIELDS: Final = {
    "tweet_fields": "attachments,author_id,conversation_id,created_at,display_text_range,"
    "edit_history_tweet_ids,entities,in_reply_to_user_id,note_tweet,public_metrics,referenced_tweets",
    "user_fields": "name,public_metrics,username",
    "expansions": "author_id,referenced_tweets.id",
}
"""What every read of posts asks for, in the names of before OpenAPI 2.167."""

_RENAMED_EXPANSIONS: Final = "author_id,edit_history_post_ids,in_reply_to_user_id,referenced_posts"
_MADE_EXPANSIONS: Final = frozenset(
    {"author_id", "edit_history_tweet_ids", "in_reply_to_user_id", "referenced_tweets"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: JSON object (empty where the body is none), lower-case header names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content: Mapping[str, Any]

    @property
    def is_success(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    @property
    def error(self) -> XError:
        """What a failure says."""
        return x_error(self.status, self.body, self.headers)


class Tweepy(AsyncClient):
    """tweepy's client with our transport; every call gives an `Answer`, whatever its status."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        base_url: str,
        token: str,
        timeout: float,
        field_names: Literal["tweet", "post"] = "tweet",
    ) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError("The access token holds characters that no token has; enter it again.")
        # With aiohttp's class as return type tweepy hands on whatever `request` gives.
        super().__init__(token, return_type=aiohttp.ClientResponse, wait_on_rate_limit=False)
        self._http = http
        self._base = base_url
        self._timeout = timeout
        self._renamed = field_names == "post"
        self.counters = Counters()

    async def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        user_auth: bool = False,  # noqa: ARG002 - OAuth 1.0a, never asked for here
    ) -> Answer:
        """One HTTP request; raises httpx's errors and TimeoutError."""
        async with asyncio.timeout(self._timeout):
            response = await self._http.request(
                method,
                f"{self._base}{route}",
                params=_renamed(params or {}) if self._renamed else dict(params or {}),
                json=json,
                headers={"Authorization": f"Bearer {self.bearer_token}"},
                follow_redirects=False,
            )
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.counters.take(method, route, headers)
        return Answer(response.status_code, headers, response.content, parsed(response.content) or {})

    async def get_activity_subscriptions(self) -> Answer:
        """GET /2/activity/subscriptions, which tweepy does not know; for the app's own token."""
        return await self.request("GET", "/2/activity/subscriptions")

    async def get_webhooks(self) -> Answer:
        """GET /2/webhooks, likewise."""
        return await self.request("GET", "/2/webhooks")

    @property
    def usage(self) -> Usage:
        """What the latest answers said of the limits."""
        return self.counters.usage


async def read(call: Awaitable[Answer]) -> Answer | XError:
    """A read; an XError is returned, since only the caller knows if "gone" is an answer.

    Raises TransientError where no readable answer came.
    """
    try:
        answer = await call
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise TransientError(f"X could not be read: {type(error).__name__}: {error}") from error
    if not answer.is_success:
        return answer.error
    if parsed(answer.body) is None:
        raise TransientError(f"X answered {len(answer.body)} bytes that are no JSON object")
    return answer


async def write(call: Awaitable[Answer]) -> Answer | NotSent | Unknown:
    """A write, sent at most once; never raises for what the network or X does."""
    try:
        answer = await call
    except NEVER_LEFT as error:
        return NotSent(Cause.TRANSIENT, f"no connection: {type(error).__name__}: {error}")
    except httpx.InvalidURL as error:
        return NotSent(Cause.PERMANENT, f"no such address: {error}")
    except (httpx.HTTPError, TimeoutError) as error:
        return Unknown(f"no answer: {type(error).__name__}: {error}")
    return answer if answer.is_success else outcome_of(answer.error)


def _renamed(params: Mapping[str, Any]) -> dict[str, Any]:
    """The same question in the names of OpenAPI 2.167: some former fields are expansions there."""
    new = {name.replace("tweet.fields", "post.fields"): value for name, value in params.items()}
    if "post.fields" in new:
        kept = [name for name in str(new["post.fields"]).split(",") if name not in _MADE_EXPANSIONS]
        new["post.fields"] = ",".join(kept).replace("note_tweet", "note_post")
        new["expansions"] = _RENAMED_EXPANSIONS
    return new
