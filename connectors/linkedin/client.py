"""An organisation's calls to LinkedIn's Community Management API: reply, read, list, delete.

Implements `connectors.platform.PlatformClient`. No call is repeated here; who calls owns the retries. A reply
is always a new comment: PARTIAL_UPDATE, which edits one, is never used.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

import httpx

from connectors.accounts import Account
from connectors.linkedin import poller, posts
from connectors.linkedin.check import Checks
from connectors.linkedin.errors import ApiError, cause_of, failure_of
from connectors.linkedin.fields import message_of, number_of, object_of, time_of, urn_of
from connectors.linkedin.mapping import named_comment
from connectors.linkedin.paging import pages
from connectors.linkedin.rest import Answer, Rest
from connectors.linkedin.subscribing import subscribe
from connectors.linkedin.urns import CommentUrn, comment_urn, encoded, organisation_urn
from connectors.marks import Marks
from connectors.outcomes import (
    Cause,
    ChangeOutcome,
    Done,
    NotSent,
    Posted,
    RequestRefused,
    Unknown,
    WriteOutcome,
)
from connectors.platform import AccountCheck, Activity, CommentState, OwnReply, Usage
from connectors.subscribing import callback_of
from connectors.webhook import Ignored, MalformedChange
from infra.settings import Settings
from schemas.errors import TransientError
from schemas.events import CommentEvent, Platform, PostEvent, Source, utc_now
from schemas.identity import clean_text

REPLY_LIMIT: Final = 1250
"""Characters of a comment; from third-party documentation, which differs (3,000 is named too)."""

_LITTLE_TEXT: Final = re.compile(r"[\\|{}@\[\]()<>#*_~]")


class LinkedInClient:
    """One organisation's client; see `PlatformClient` for what each call promises."""

    def __init__(
        self,
        account: Account,
        rest: Rest,
        checks: Checks,
        *,
        limit: int = REPLY_LIMIT,
        escape: bool = False,
        application_id: str | None = None,
        callback: str | None = None,
    ) -> None:
        """`limit`: most characters of a reply; `escape`: whether comments are little text, as posts are.

        `application_id`: the app's number; `callback`: where LinkedIn reaches our webhook.
        """
        self.account = account
        self._rest = rest
        self._checks = checks
        self._limit = limit
        self._escape = escape
        self._application_id = application_id
        self._callback = callback
        self._actor = organisation_urn(account.account_id)

    @property
    def usage(self) -> Usage:
        """Whether the latest answer throttled; LinkedIn tells no more."""
        return self._rest.usage

    async def reply(self, platform_comment_id: str, text: str) -> WriteOutcome:
        """POST `/socialActions/{comment}/comments`, as the organisation."""
        if not text.strip() or len(text) > self._limit:
            return NotSent(Cause.PERMANENT, f"a reply has 1 to {self._limit} characters, not {len(text)}")
        comment = comment_urn(platform_comment_id)
        if comment is None:
            return NotSent(Cause.PERMANENT, f"{platform_comment_id[:80]!r} is no comment of LinkedIn")
        body = {
            "actor": self._actor,
            "object": comment.post,
            "parentComment": str(comment),
            "message": {"text": escaped(text) if self._escape else text},
        }
        answer = await self._rest.write("POST", f"socialActions/{encoded(str(comment))}/comments", body)
        if isinstance(answer, (NotSent, Unknown)):
            return answer
        made = _made(answer, comment)
        return Posted(str(made)) if made else Unknown(f"HTTP {answer.status} without the reply's id")

    async def hide(self, platform_comment_id: str, *, hidden: bool = True) -> ChangeOutcome:  # noqa: ARG002
        """LinkedIn's API cannot hide comments."""
        return NotSent(Cause.PERMANENT, "LinkedIn offers no hiding of comments: delete it or leave it")

    async def delete(self, platform_comment_id: str) -> ChangeOutcome:
        """DELETE `/socialActions/{post}/comments/{id}`, as the organisation."""
        comment = comment_urn(platform_comment_id)
        if comment is None:
            return NotSent(Cause.PERMANENT, f"{platform_comment_id[:80]!r} is no comment of LinkedIn")
        answer = await self._rest.write("DELETE", f"{_path(comment)}?actor={encoded(self._actor)}")
        return answer if isinstance(answer, (NotSent, Unknown)) else Done()

    async def read_comment(self, platform_comment_id: str) -> CommentState:
        """GET `/socialActions/{post}/comments/{id}`."""
        comment = comment_urn(platform_comment_id)
        if comment is None:
            raise RequestRefused(f"{platform_comment_id[:80]!r} is no comment of LinkedIn")
        answer = await self._rest.read(_path(comment))
        if isinstance(answer, ApiError):
            if cause_of(answer) is Cause.GONE:
                return CommentState(exists=False)
            raise failure_of(answer)
        try:
            replies = number_of(answer.content.get("commentsSummary"), "totalFirstLevelComments")
            return CommentState(
                exists=True,
                text=message_of(answer.content),
                author_id=urn_of(answer.content, "actor"),
                own_replies=() if replies == 0 else None,
            )
        except MalformedChange as error:
            raise TransientError(f"LinkedIn's comment {comment} is unreadable: {error}") from error

    async def own_replies(self, platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:
        """The organisation's replies below the thread, from GET `/socialActions/{thread}/comments`."""
        thread = comment_urn(thread_id or platform_comment_id)
        if thread is None:
            raise RequestRefused(f"{(thread_id or platform_comment_id)[:80]!r} is no comment of LinkedIn")
        found, now = [], utc_now()
        async for page in pages(self._rest, f"socialActions/{encoded(str(thread))}/comments"):
            if isinstance(page, ApiError):
                if cause_of(page) is Cause.GONE:
                    return []
                raise failure_of(page)
            found += [own for item in page if (own := self._own(item, thread, now)) is not None]
        return sorted(found, key=lambda own: own.created_at or now)

    def _own(self, item: Any, thread: CommentUrn, now: datetime) -> OwnReply | None:
        if item.get("actor") != self._actor:
            return None
        try:
            return OwnReply(
                reply_id=str(named_comment(item).below(thread.post)),
                text=clean_text(message_of(item)),
                created_at=time_of(object_of(item, "created").get("time"), now),
            )
        except MalformedChange as error:
            raise TransientError(f"A reply of the account is unreadable: {error}") from error

    def list_comments(
        self, platform_post_id: str, *, source: Source = Source.POLL
    ) -> AsyncIterator[CommentEvent | Ignored]:
        """Every comment of a post, each followed by its replies: LinkedIn lists the two apart."""
        return poller.comments(self._rest, self.account, platform_post_id, source)

    def activity(
        self, *, since: datetime, source: Source = Source.POLL, marks: Marks | None = None
    ) -> AsyncIterator[Activity]:
        """See `connectors.linkedin.poller`."""
        return poller.activity(self._rest, self.account, since, source, marks or Marks())

    async def read_post(self, platform_post_id: str) -> PostEvent | None:
        """GET `/posts/{post}`; NotReadable for an activity, which that address does not know."""
        return await posts.read_post(self._rest, self.account, platform_post_id)

    async def check(self) -> AccountCheck:
        """See `connectors.linkedin.check`."""
        return await self._checks.run()

    async def subscribe(self) -> ChangeOutcome:
        """See `connectors.linkedin.subscribing`."""
        return await subscribe(self._rest, self.account.account_id, self._application_id, self._callback)


def linkedin_client(
    account: Account, token: str, http: httpx.AsyncClient, settings: Settings
) -> LinkedInClient:
    """An organisation's client for its member's token; raises ConfigurationError for what cannot be one."""
    rest = Rest(
        http,
        base_url=settings.linkedin_api_url,
        version=settings.linkedin_version,
        token=token,
        timeout=settings.posting_timeout,
    )
    return LinkedInClient(
        account,
        rest,
        Checks(account, token, rest, http, settings),
        limit=settings.linkedin_reply_limit,
        escape=settings.linkedin_escape_replies,
        application_id=settings.linkedin_application_id,
        callback=callback_of(settings, Platform.LINKEDIN),
    )


def escaped(text: str) -> str:
    """Little text in which every character stands for itself."""
    return _LITTLE_TEXT.sub(lambda found: "\\" + found[0], text)


def _path(comment: CommentUrn) -> str:
    return f"socialActions/{encoded(comment.post)}/comments/{comment.number}"


def _made(answer: Answer, parent: CommentUrn) -> CommentUrn | None:
    """The new comment, named like the one it answers: from the header, or the body where it has one."""
    given = answer.restli_id or answer.content.get("commentUrn") or answer.content.get("id")
    named = comment_urn(given)
    if named is not None:
        return CommentUrn(parent.post, named.number)
    return CommentUrn(parent.post, str(given)) if given and str(given).isdigit() else None
