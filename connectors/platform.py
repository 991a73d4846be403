"""The contract of a platform folder: what it is given, what it gives, what its callers may assume.

A folder `connectors/<platform>/` holds

    mapping.py    pure: what the platform says -> `CommentEvent`, `Ignored`, or MalformedChange
    webhook.py    pure: handshake, signature, splitting a delivery into changes (`connectors.webhook.Webhook`)
    client.py     HTTP: reply, read, list, hide, delete (`PlatformClient`)
    simulator/    the platform as its contract describes it, for tests and the demo
    __init__.py   `CONNECTOR`, a `Connector`, which `connectors/catalogue.py` lists

and passes the shared suite `tests/connectors/contract.py`. What arrives: see `connectors/webhook.py`.

Errors of reads, drawn below the tree of `schemas.errors` (writes do not raise: they return `WriteOutcome`)

    ParleyError
    ├── TransientError            timeout, connection, 5xx, "unknown error": read again later
    │   └── ThrottledError        over the platform's limit
    ├── RequestRefused            the request itself is wrong: the same request fails again
    └── AccountStopped            token dead, permission missing, blocked: nothing of this account will work
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import httpx

from connectors.accounts import Account
from connectors.webhook import Ignored, Webhook
from infra.settings import Settings
from schemas import identity
from schemas.errors import ParleyError
from schemas.events import CommentEvent, Platform, Source


class Cause(StrEnum):
    """Why a write is known not to have happened, or a read failed."""

    TRANSIENT = "transient"
    """It never left, or the platform says it will pass: may be sent again."""
    THROTTLED = "throttled"
    """Over a limit: the account waits `retry_after` seconds; calling on lengthens the wait."""
    PERMANENT = "permanent"
    """This text to this comment will never be accepted."""
    GONE = "gone"
    """The comment is deleted or not visible to the account."""
    AUTH = "auth"
    """The token is dead: the account stops until a person renews it."""
    PERMISSION = "permission"
    """A permission or role is missing: the account stops."""
    BLOCKED = "blocked"
    """The platform calls it abuse: publishing for the account stops for a long time."""

    @property
    def stops_account(self) -> bool:
        """True if no write of this account may be tried before somebody has looked."""
        return self in (Cause.AUTH, Cause.PERMISSION, Cause.BLOCKED)


@dataclass(frozen=True, slots=True)
class Posted:
    """The reply is on the platform under this id (in the form in which its webhook will name it)."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A hide or delete took effect."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing changed on the platform; `retry_after` in seconds where the platform named a time.

    `reason` is for people: the platform's code and message, without tokens or texts of comments.
    """

    cause: Cause
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have happened: look for it (`own_replies`), never send again before that."""

    reason: str


WriteOutcome = Posted | NotSent | Unknown
ChangeOutcome = Done | NotSent | Unknown


class RequestRefused(ParleyError):
    """A read that the platform will refuse every time."""


class AccountStopped(ParleyError):
    """Nothing of this account works; `cause` is AUTH, PERMISSION or BLOCKED."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


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

    async def hide(self, platform_comment_id: str, *, hidden: bool = True) -> ChangeOutcome:
        """Hides a comment from the public, or shows it again."""
        ...

    async def delete(self, platform_comment_id: str) -> ChangeOutcome:
        """Deletes a comment or one of the account's own replies; GONE if it was deleted already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform can do; triage and the poster ask these instead of the platform's name.

    `reply_limit`: most characters of a reply, counted by `reply_length`. `replies_flattened`: a reply to a
    reply hangs below the top-level comment.
    """

    reply_limit: int
    reply_length: Callable[[str], int] = len
    replies_flattened: bool = False
    replies_only_when_mentioned: bool = False
    webhooks: bool = True
    edit_notices: bool = True
    remove_notices: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A platform folder's parts, as `connectors/catalogue.py` lists them.

    `webhook(settings)` refuses every delivery where a secret is missing;
    `client(account, token, http, settings)` opens nothing.
    """

    platform: Platform
    capabilities: Capabilities
    webhook: Callable[[Settings], Webhook]
    client: Callable[[Account, str, httpx.AsyncClient, Settings], PlatformClient]
