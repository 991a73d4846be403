"""The contract of a platform folder: what it is given, what it gives, what its callers may assume.

A folder `connectors/<platform>/` holds

    mapping.py    pure: what the platform says -> `CommentEvent`, `Ignored`, or MalformedChange
    webhook.py    pure: handshake, signature, splitting a delivery into changes (`connectors.webhook.Webhook`)
    client.py     HTTP: reply, read, list, hide, delete (`PlatformClient`)
    poller.py     HTTP: everything recently active on the account (`PlatformClient.activity`), its check
    login.py      HTTP: OAuth, long-lived exchange, refreshing (`Login`)
    simulator/    the platform as its contract describes it, for tests and the demo
    __init__.py   `CONNECTOR`, a `Connector`, which `connectors/catalogue.py` lists

and passes the shared suites `tests/connectors/contract.py` and, for its simulator, `simulator_contract.py`
beside it. What arrives: see `connectors/webhook.py`; what becomes of calls: `connectors/outcomes.py`;
how access is given: `connectors/logins.py`.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx

from connectors.accounts import Account
from connectors.logins import Login
from connectors.marks import Marks
from connectors.outcomes import Cause, ChangeOutcome, WriteOutcome
from connectors.webhook import Ignored, Webhook
from infra.settings import Settings
from schemas import identity
from schemas.events import CommentEvent, EngagementEvent, Platform, PostEvent, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReply:
    """A reply by the account itself."""

    reply_id: str
    text: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentState:
    """A comment as the platform shows it now; where `exists` is False nothing else means anything.

    `attachments`: kinds, as in webhooks. `can_reply`: None where the platform does not say. `own_replies`:
    the account's replies that hang below it, None where they are not all known: ask `own_replies` then.
    """

    exists: bool
    text: str | None = None
    attachments: tuple[str, ...] = ()
    is_hidden: bool = False
    can_reply: bool | None = None
    author_id: str | None = None
    own_replies: tuple[OwnReply, ...] | None = None

    def revision_id(self, comment_id: str) -> str:
        """Revision of this wording; differs from the event's `revision_id` if the comment was edited."""
        return identity.revision_id(comment_id, self.text, self.attachments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is used of the platform's limit, as its last answer says.

    `percent`: 0 to 100 and above, the worst of all its counters; `regain_after`: seconds until calls are
    accepted again, None where not throttled.
    """

    percent: float = 0.0
    regain_after: float | None = None


Activity = PostEvent | EngagementEvent | CommentEvent | Ignored
"""What a poll brings: posts, what is counted on them and on comments, and comments as they are now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCheck:
    """What the platform says of an account's access, found by asking it.

    `problem`: None if comments can be read and, where the account may reply, answered; else AUTH (token dead
    or of the wrong kind), PERMISSION (right or role missing) or BLOCKED. `reason` is for people, says what to
    do, and holds no token. `subscribed`: whether the platform sends this app the account's webhooks; None
    where it has none or does not say. `expires_at`: when the token ends; None where it does not, or where
    the platform does not tell.
    """

    problem: Cause | None = None
    reason: str = ""
    subscribed: bool | None = None
    expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()
    name: str | None = None
    username: str | None = None


class PlatformClient(Protocol):
    """One account's calls. Writes never raise and are never repeated by the client; reads raise the tree.

    Every call is given up after the timeout of the HTTP client. Safe for concurrent use.
    """

    @property
    def account(self) -> Account:
        """Whose calls these are."""
        ...

    @property
    def usage(self) -> Usage:
        """What is used of the platform's limit, as its latest answer says."""
        ...

    async def reply(self, platform_comment_id: str, text: str) -> WriteOutcome:
        """Answers a comment, publicly, as the account; one HTTP request at most."""
        ...

    async def read_comment(self, platform_comment_id: str) -> CommentState:
        """The comment now; `exists=False` only if the platform says so in answer to this very read."""
        ...

    async def own_replies(self, platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:
        """The account's replies under a comment, all pages, oldest first.

        Give `thread_id` (its top-level comment) where the comment is itself a reply: platforms that flatten
        threads list the replies there. An empty list is no proof that a reply just sent will not show.
        A comment that is gone has none.
        """
        ...

    def list_comments(
        self, platform_post_id: str, *, source: Source = Source.POLL
    ) -> AsyncIterator[CommentEvent | Ignored]:
        """Every comment and reply below a post, all pages, oldest first, mapped like a webhook's."""
        ...

    def activity(
        self, *, since: datetime, source: Source = Source.POLL, marks: Marks | None = None
    ) -> AsyncIterator[Activity]:
        """Everything of the account that was active since then: all pages, a post before its comments.

        Comments come as they are now (`added`, or `reply_observed` for the account's own); whoever polls
        tells from what is stored whether that is news. A post or comment counts as active by its own time or
        its newest comment's, as far as the platform can be asked. Obeys the platform's limits by raising
        ThrottledError (with `retry_after`); what was yielded before stays true. With the `marks` of a look
        that was broken off it goes on where that was; they tell at any time how far what was yielded reaches.
        """
        ...

    async def read_post(self, platform_post_id: str) -> PostEvent | None:
        """A post's text and permalink; None if the platform says that it is gone."""
        ...

    async def check(self) -> AccountCheck:
        """Whether token, rights and webhook subscription are as they must be; raises TransientError alone."""
        ...

    async def subscribe(self) -> ChangeOutcome:
        """From then on the account's comments come by webhook; repeated, it changes nothing.

        Asked when the account is connected. NotSent tells a person what is missing.
        """
        ...

    async def hide(self, platform_comment_id: str, *, hidden: bool = True) -> ChangeOutcome:
        """Hides a comment from the public, or shows it again."""
        ...

    async def delete(self, platform_comment_id: str) -> ChangeOutcome:
        """Deletes a comment or one of the account's own replies; GONE if it was deleted already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform can do; triage and the poster ask these instead of the platform's name.

    `webhook_setup`: what a person does once so that webhooks come, beyond what `subscribe` does for each
    account; empty where that is nothing. `reply_limit`: most characters of a reply, counted by
    `reply_length`. `replies_flattened`: a reply to a reply hangs below the top-level comment.
    """

    reply_limit: int
    reply_length: Callable[[str], int] = len
    replies_flattened: bool = False
    replies_only_when_mentioned: bool = False
    webhook_setup: str = ""
    edit_notices: bool = True
    remove_notices: bool = True
    may_hide: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A platform folder's parts, as `connectors/catalogue.py` lists them.

    `webhook(settings)` refuses every delivery where a secret is missing;
    `client(account, token, http, settings)` opens nothing; `login(settings)` neither.
    """

    platform: Platform
    capabilities: Capabilities
    webhook: Callable[[Settings], Webhook]
    client: Callable[[Account, str, httpx.AsyncClient, Settings], PlatformClient]
    login: Callable[[Settings], Login]
