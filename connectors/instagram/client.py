"""An Instagram account's calls to the Graph API: reply, read, list, hide, delete.

Implements `connectors.platform.PlatformClient`. No call is repeated here; who calls owns the retries. A reply
is never asked for with `fields`: recorded, the comment was then created and the answer an error.
"""

import dataclasses
from collections.abc import AsyncIterator
from datetime import datetime

import httpx

from connectors.accounts import Account
from connectors.instagram.access import access
from connectors.instagram.checking import Checking
from connectors.instagram.listing import Listing
from connectors.instagram.mapping import post_event
from connectors.instagram.poller import activity
from connectors.instagram.reading import ITEM_FIELDS, POST_FIELDS, STATE_FIELDS, comment_state, own_replies
from connectors.instagram.wording import refusal_of
from connectors.marks import Marks
from connectors.meta.errors import GraphError, failure_of, is_gone
from connectors.meta.graph import Graph
from connectors.meta.paging import pages, path_of
from connectors.outcomes import Cause, ChangeOutcome, Done, NotSent, Posted, Unknown, WriteOutcome
from connectors.platform import AccountCheck, Activity, CommentState, OwnReply, Usage
from connectors.webhook import Ignored, MalformedChange
from infra.settings import Settings
from schemas.errors import TransientError
from schemas.events import CommentEvent, PostEvent, Source, utc_now


class InstagramClient:
    """One account's client; see `PlatformClient` for what each call promises."""

    def __init__(self, account: Account, graph: Graph, checking: Checking) -> None:
        self.account = account
        self._graph = graph
        self._checking = checking
        self._known: Account | None = account if account.username else None

    @property
    def usage(self) -> Usage:
        """What the latest answer said of the account's limits."""
        return self._graph.usage

    async def reply(self, platform_comment_id: str, text: str) -> WriteOutcome:
        """POST `/{comment}/replies`."""
        refusal = refusal_of(text)
        if refusal is not None:
            return NotSent(Cause.PERMANENT, refusal)
        path = f"{path_of(platform_comment_id)}/replies"
        answer = await self._graph.write("POST", path, {"message": text})
        if isinstance(answer, (NotSent, Unknown)):
            return answer
        reply_id = answer.content.get("id")
        if not isinstance(reply_id, str) or not reply_id:
            return Unknown(f"HTTP {answer.status} without the reply's id")
        return Posted(reply_id)

    async def hide(self, platform_comment_id: str, *, hidden: bool = True) -> ChangeOutcome:
        """POST `/{comment}` with `hide`."""
        form = {"hide": "true" if hidden else "false"}
        return _done(await self._graph.write("POST", path_of(platform_comment_id), form))

    async def delete(self, platform_comment_id: str) -> ChangeOutcome:
        """DELETE `/{comment}`."""
        return _done(await self._graph.write("DELETE", path_of(platform_comment_id), {}))

    async def read_comment(self, platform_comment_id: str) -> CommentState:
        """GET `/{comment}`."""
        account = await self._named()
        answer = await self._graph.read(path_of(platform_comment_id), {"fields": STATE_FIELDS})
        if isinstance(answer, GraphError):
            if is_gone(answer):
                return CommentState(exists=False)
            raise failure_of(answer)
        try:
            return comment_state(answer.content, account, utc_now())
        except MalformedChange as error:
            raise TransientError(
                f"Instagram's comment {platform_comment_id} is unreadable: {error}"
            ) from error

    async def read_post(self, platform_post_id: str) -> PostEvent | None:
        """GET `/{media}`."""
        answer = await self._graph.read(path_of(platform_post_id), {"fields": POST_FIELDS})
        if isinstance(answer, GraphError):
            if is_gone(answer):
                return None
            raise failure_of(answer)
        try:
            return post_event(answer.content, self.account, utc_now())
        except MalformedChange as error:
            raise TransientError(f"Instagram's media {platform_post_id} is unreadable: {error}") from error

    async def own_replies(self, platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:
        """The account's replies below the comment's thread, from GET `/{thread}/replies`."""
        account = await self._named()
        thread = thread_id or platform_comment_id
        items = [item async for item in pages(self._graph, thread, "replies", {"fields": ITEM_FIELDS})]
        try:
            return own_replies(items, account, utc_now())
        except MalformedChange as error:
            raise TransientError(f"Instagram's replies below {thread} are unreadable: {error}") from error

    async def list_comments(
        self, platform_post_id: str, *, source: Source = Source.POLL
    ) -> AsyncIterator[CommentEvent | Ignored]:
        """Every comment and reply of a media, from GET `/{media}/comments` and `/{comment}/replies`."""
        listing = Listing(self._graph, await self._named())
        for found in await listing.comments(platform_post_id):
            yield listing.event(found, source)

    async def activity(
        self, *, since: datetime, source: Source = Source.POLL, marks: Marks | None = None
    ) -> AsyncIterator[Activity]:
        """Media, counts and comments since then; see `connectors.instagram.poller`."""
        async for told in activity(self._graph, await self._named(), since, source, marks or Marks()):
            yield told

    async def check(self) -> AccountCheck:
        """Whether token, rights and webhook subscription are as they must be."""
        return await self._checking.check()

    async def subscribe(self) -> ChangeOutcome:
        """POST `/{account}/subscribed_apps`, or the page's, as the login is."""
        return await self._checking.subscribe()

    async def _named(self) -> Account:
        """The account with its user name: listings may tell an own comment by nothing else."""
        if self._known is None:
            answer = await self._graph.read(path_of(self.account.account_id), {"fields": "username"})
            if isinstance(answer, GraphError):
                raise failure_of(answer)
            username = answer.content.get("username")
            if not isinstance(username, str) or not username:
                raise TransientError("Instagram did not say the account's user name")
            self._known = dataclasses.replace(self.account, username=username)
        return self._known


def instagram_client(
    account: Account, token: str, http: httpx.AsyncClient, settings: Settings
) -> InstagramClient:
    """An account's client for its token; raises ConfigurationError for a token that cannot be one."""
    way = access(settings)
    graph = Graph(
        http,
        base_url=way.graph_url,
        version=way.version,
        token=token,
        app_secret=way.proof_secret,
        timeout=way.timeout,
    )
    return InstagramClient(account, graph, Checking(account, graph, way, http, token))


def _done(answer: object) -> ChangeOutcome:
    if isinstance(answer, (NotSent, Unknown)):
        return answer
    success = getattr(answer, "content", {}).get("success")
    return Done() if success in (True, "true") else Unknown("an answer without success")
