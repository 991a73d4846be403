"""An X account's calls to API v2: reply, read, list, hide, delete.

Implements `connectors.platform.PlatformClient`. No call is repeated here; who calls owns the retries.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final

import httpx

from connectors.accounts import Account
from connectors.marks import Marks
from connectors.outcomes import Cause, ChangeOutcome, Done, NotSent, Posted, Unknown, WriteOutcome
from connectors.platform import AccountCheck, Activity, CommentState, OwnReply, Usage
from connectors.subscribing import callback_of
from connectors.webhook import Ignored, MalformedChange
from connectors.x.api import FIELDS, Answer, Tweepy, read, write
from connectors.x.checking import check_account
from connectors.x.errors import XError, failure_of, is_gone, missing
from connectors.x.mapping import from_post, post_event
from connectors.x.pages import Found, oldest_first, pages
from connectors.x.poller import Poller
from connectors.x.posts import (
    attachment_kinds,
    included,
    is_id,
    references,
    versions,
    wording,
    written_at,
)
from connectors.x.subscribing import subscribe
from infra.settings import Settings
from schemas.errors import TransientError
from schemas.events import CommentEvent, Platform, PostEvent, Source, utc_now
from schemas.lengths import weighted_length

PAGE_SIZE: Final = 100
REPLY_LIMIT: Final = 280
"""Weighted characters of a post by an account without a premium subscription."""


class XClient:
    """One account's client; see `PlatformClient` for what each call promises."""

    def __init__(
        self, account: Account, tweepy: Tweepy, app: Tweepy | None = None, callback: str | None = None
    ) -> None:
        """`app`: calls with the app's own token; `callback`: where X reaches our webhook."""
        self.account = account
        self._tweepy = tweepy
        self._app = app
        self._callback = callback

    @property
    def usage(self) -> Usage:
        """What the latest answers said of the account's limits."""
        return self._tweepy.usage

    async def reply(self, platform_comment_id: str, text: str) -> WriteOutcome:
        """POST `/2/tweets` with `reply.in_reply_to_tweet_id`."""
        length = weighted_length(text)
        if not text.strip() or length > REPLY_LIMIT:
            return NotSent(Cause.PERMANENT, f"a reply weighs 1 to {REPLY_LIMIT} characters, not {length}")
        if not is_id(platform_comment_id):
            return NotSent(Cause.PERMANENT, "that is no id of a post")
        answer = await write(
            self._tweepy.create_tweet(in_reply_to_tweet_id=platform_comment_id, text=text, user_auth=False)
        )
        if isinstance(answer, (NotSent, Unknown)):
            return answer
        reply_id = _data(answer).get("id")
        return (
            Posted(reply_id) if is_id(reply_id) else Unknown(f"HTTP {answer.status} without the reply's id")
        )

    async def hide(self, platform_comment_id: str, *, hidden: bool = True) -> ChangeOutcome:
        """PUT `/2/tweets/{id}/hidden`: only in conversations that the account began."""
        if not is_id(platform_comment_id):
            return NotSent(Cause.PERMANENT, "that is no id of a post")
        call = self._tweepy.hide_reply if hidden else self._tweepy.unhide_reply
        answer = await write(call(platform_comment_id, user_auth=False))
        if isinstance(answer, (NotSent, Unknown)):
            return answer
        return Done() if _data(answer).get("hidden") is hidden else Unknown("an answer without the new state")

    async def delete(self, platform_comment_id: str) -> ChangeOutcome:
        """DELETE `/2/tweets/{id}`: X lets an account delete its own posts alone."""
        if not is_id(platform_comment_id):
            return NotSent(Cause.PERMANENT, "that is no id of a post")
        answer = await write(self._tweepy.delete_tweet(platform_comment_id, user_auth=False))
        if isinstance(answer, (NotSent, Unknown)):
            return answer
        if missing(answer.content):
            return NotSent(Cause.GONE, "it was deleted already")
        deleted = _data(answer).get("deleted")
        if deleted is False:
            return NotSent(Cause.GONE, "X had nothing to delete")
        return Done() if deleted is True else Unknown("an answer without deleted")

    async def read_comment(self, platform_comment_id: str) -> CommentState:
        """GET `/2/tweets/{id}`, and its latest wording where it was edited.

        X does not tell whether a reply is hidden, nor whether it may be answered.
        """
        found = await self._post(platform_comment_id)
        try:
            if found is not None and versions(found.post)[-1] != platform_comment_id:
                found = await self._post(versions(found.post)[-1])
            if found is None:
                return CommentState(exists=False)
            post = found.post
            is_reply = "replied_to" in references(post) or post.get("in_reply_to_user_id") is not None
            return CommentState(
                exists=True,
                text=wording(post, is_reply=is_reply),
                attachments=attachment_kinds(post),
                author_id=post.get("author_id"),
            )
        except MalformedChange as error:
            raise TransientError(f"X's post {platform_comment_id} is unreadable: {error}") from error

    async def own_replies(self, platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:  # noqa: ARG002 - threads are trees on X
        """The account's posts since the comment that answer it, in any of its wordings, from its timeline."""
        if not is_id(platform_comment_id):
            return []
        found: dict[str, OwnReply] = {}
        async for post, includes in self._own_posts(since_id=platform_comment_id):
            answered = references(post).get("replied_to")
            others = {entry.get("id"): entry for entry in included(includes, "tweets", "posts")}
            try:
                wordings = versions(others[answered]) if answered in others else [answered]
                if platform_comment_id in wordings:
                    reply_id = versions(post)[0]
                    found[reply_id] = OwnReply(
                        reply_id=reply_id,
                        text=wording(post, is_reply=True),
                        created_at=written_at(post, utc_now()),
                    )
            except MalformedChange as error:
                raise TransientError(f"X's timeline holds an unreadable post: {error}") from error
        return [found[key] for key in sorted(found, key=int)]

    async def list_comments(
        self, platform_post_id: str, *, source: Source = Source.POLL
    ) -> AsyncIterator[CommentEvent | Ignored]:
        """Every post of the conversation that X's search still holds, which is seven days."""
        if not is_id(platform_post_id):
            return
        found = [
            pair
            async for pair in pages(
                self._tweepy.search_recent_tweets,
                "next_token",
                query=f"conversation_id:{platform_post_id}",
                max_results=PAGE_SIZE,
                **FIELDS,
            )
        ]
        for post, includes in oldest_first(found):
            try:
                if versions(post)[0] == platform_post_id:
                    continue
                yield from_post(post, includes, self.account, utc_now(), source, concerns_account=True)
            except MalformedChange as error:
                yield Ignored(f"listing:{error.reason}")

    def activity(
        self, *, since: datetime, source: Source = Source.POLL, marks: Marks | None = None
    ) -> AsyncIterator[Activity]:
        """See `connectors.x.poller`."""
        return Poller(self.account, self._tweepy).activity(since=since, source=source, marks=marks or Marks())

    async def read_post(self, platform_post_id: str) -> PostEvent | None:
        """GET `/2/tweets/{id}`."""
        found = await self._post(platform_post_id)
        if found is None:
            return None
        try:
            return post_event(found.post, found.includes, self.account, utc_now())
        except MalformedChange as error:
            raise TransientError(f"X's post {platform_post_id} is unreadable: {error}") from error

    async def check(self) -> AccountCheck:
        """See `connectors.x.checking`."""
        return await check_account(self.account, self._tweepy, self._app)

    async def subscribe(self) -> ChangeOutcome:
        """See `connectors.x.subscribing`."""
        return await subscribe(self.account, self._app, self._callback)

    async def _post(self, post_id: str) -> Found | None:
        """A post by its id; None if X says that it is gone, or not for this account."""
        if not is_id(post_id):
            return None
        answer = await read(self._tweepy.get_tweet(post_id, **FIELDS))
        if isinstance(answer, XError):
            if is_gone(answer):
                return None
            raise failure_of(answer)
        post = answer.content.get("data")
        if isinstance(post, Mapping):
            return Found(post, answer.content.get("includes"))
        if missing(answer.content):
            return None
        raise TransientError(f"X answered the read of {post_id} with neither the post nor a reason")

    def _own_posts(self, **since: Any) -> AsyncIterator[Found]:
        async def call(**params: Any) -> Answer:
            answer: Answer = await self._tweepy.get_users_tweets(self.account.account_id, **params)
            return answer

        return pages(call, "pagination_token", max_results=PAGE_SIZE, exclude="retweets", **FIELDS, **since)


def x_client(account: Account, token: str, http: httpx.AsyncClient, settings: Settings) -> XClient:
    """An account's client for its user token; raises ConfigurationError for a token that cannot be one."""

    def tweepy(token: str) -> Tweepy:
        return Tweepy(
            http,
            base_url=settings.x_api_url,
            token=token,
            timeout=settings.posting_timeout,
            field_names=settings.x_field_names,
        )

    app = settings.x_bearer_token
    return XClient(
        account,
        tweepy(token),
        tweepy(app.get_secret_value()) if app else None,
        callback_of(settings, Platform.X),
    )


def _data(answer: Answer) -> Mapping[str, Any]:
    data = answer.content.get("data")
    return data if isinstance(data, Mapping) else {}
