"""A Facebook page's calls to the Graph API: reply, read, list, poll, check, hide, delete.

Implements `connectors.platform.PlatformClient`. No call is repeated here; who calls owns the retries.
Never POSTs `message` to a comment itself: the reference says that this edits the comment.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final

import httpx

from connectors.accounts import Account
from connectors.facebook import poller
from connectors.facebook.checking import check_page
from connectors.facebook.ids import sibling_name
from connectors.facebook.mapping import from_listing
from connectors.facebook.reading import REPLY_FIELDS, STATE_FIELDS, comment_state, own_replies
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

REPLY_LIMIT: Final = 8000
"""Characters of a comment; from third-party documentation, Meta's own pages name none."""


class FacebookClient:
    """One page's client; see `PlatformClient` for what each call promises."""

    def __init__(
        self, account: Account, graph: Graph, *, app: Graph | None = None, app_id: str | None = None
    ) -> None:
        """`app`: calls with the app's own token, where its id and secret are known."""
        self._account = account
        self._graph = graph
        self._app = app
        self._app_id = app_id

    @property
    def account(self) -> Account:
        """Whose calls these are."""
        return self._account

    @property
    def usage(self) -> Usage:
        """What the latest answer said of the page's limits."""
        return self._graph.usage

    async def reply(self, platform_comment_id: str, text: str) -> WriteOutcome:
        """POST `/{comment}/comments`."""
        if not text.strip() or len(text) > REPLY_LIMIT:
            return NotSent(Cause.PERMANENT, f"a reply has 1 to {REPLY_LIMIT} characters, not {len(text)}")
        answer = await self._graph.write(
            "POST", f"{path_of(platform_comment_id)}/comments", {"message": text}
        )
        if isinstance(answer, (NotSent, Unknown)):
            return answer
        reply_id = answer.content.get("id")
        if not isinstance(reply_id, str) or not reply_id:
            return Unknown(f"HTTP {answer.status} without the reply's id")
        return Posted(sibling_name(reply_id, platform_comment_id))

    async def hide(self, platform_comment_id: str, *, hidden: bool = True) -> ChangeOutcome:
        """POST `/{comment}` with `is_hidden`."""
        form = {"is_hidden": "true" if hidden else "false"}
        return _done(await self._graph.write("POST", path_of(platform_comment_id), form))

    async def delete(self, platform_comment_id: str) -> ChangeOutcome:
        """DELETE `/{comment}`."""
        return _done(await self._graph.write("DELETE", path_of(platform_comment_id), {}))

    async def read_comment(self, platform_comment_id: str) -> CommentState:
        """GET `/{comment}`."""
        answer = await self._graph.read(path_of(platform_comment_id), {"fields": STATE_FIELDS})
        if isinstance(answer, GraphError):
            if is_gone(answer):
                return CommentState(exists=False)
            raise failure_of(answer)
        try:
            return comment_state(answer.content, platform_comment_id, self.account.account_id, utc_now())
        except MalformedChange as error:
            raise TransientError(
                f"Facebook's comment {platform_comment_id} is unreadable: {error}"
            ) from error

    async def own_replies(self, platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:
        """The page's replies below the comment's thread, from GET `/{thread}/comments`."""
        thread = thread_id or platform_comment_id
        params = {"fields": REPLY_FIELDS, "order": "chronological"}
        items = [item async for item in self._pages(thread, params)]
        return own_replies(items, thread, self.account.account_id, utc_now())

    async def list_comments(
        self, platform_post_id: str, *, source: Source = Source.POLL
    ) -> AsyncIterator[CommentEvent | Ignored]:
        """Every comment and reply of a post, from GET `/{post}/comments?filter=stream`."""
        params = {"fields": poller.COMMENT_FIELDS, "filter": "stream", "order": "chronological"}
        async for item in self._pages(platform_post_id, params):
            try:
                yield from_listing(item, self.account, platform_post_id, utc_now(), source)
            except MalformedChange as error:
                yield Ignored(f"listing:{error.reason}")

    def activity(
        self, *, since: datetime, source: Source = Source.POLL, marks: Marks | None = None
    ) -> AsyncIterator[Activity]:
        """Posts, what is counted, and comments since then; see `connectors.facebook.poller`."""
        return poller.activity(self._graph, self.account, since=since, source=source, marks=marks or Marks())

    async def read_post(self, platform_post_id: str) -> PostEvent | None:
        """GET `/{post}`."""
        try:
            return await poller.read_post(self._graph, self.account, platform_post_id)
        except MalformedChange as error:
            raise TransientError(f"Facebook's post {platform_post_id} is unreadable: {error}") from error

    async def check(self) -> AccountCheck:
        """Whose token it is, what it may, and whether webhooks come."""
        return await check_page(self.account, self._graph, self._app, self._app_id)

    async def subscribe(self) -> ChangeOutcome:
        """POST `/{page}/subscribed_apps`: from then on the page's comments come by webhook."""
        path = f"{path_of(self.account.account_id)}/subscribed_apps"
        return _done(await self._graph.write("POST", path, {"subscribed_fields": "feed"}))

    def _pages(self, parent: str, params: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
        return pages(self._graph, parent, "comments", params)


def facebook_client(
    account: Account, token: str, http: httpx.AsyncClient, settings: Settings
) -> FacebookClient:
    """A page's client for its page token; raises ConfigurationError for a token that cannot be one."""
    app_id, sealed = settings.facebook_app_id, settings.facebook_app_secret
    secret = sealed.get_secret_value() if sealed else None

    def graph(access: str) -> Graph:
        return Graph(
            http,
            base_url=settings.facebook_graph_url,
            version=settings.facebook_graph_version,
            token=access,
            app_secret=secret,
            timeout=settings.posting_timeout,
        )

    app = graph(f"{app_id}|{secret}") if app_id and secret else None
    return FacebookClient(account, graph(token), app=app, app_id=app_id)


def _done(answer: object) -> ChangeOutcome:
    if isinstance(answer, (NotSent, Unknown)):
        return answer
    success = getattr(answer, "content", {}).get("success")
    # Documentation shows the boolean and, in a sample, the string.
    return Done() if success in (True, "true") else Unknown("an answer without success")
