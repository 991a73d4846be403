"""What becomes of calls to a platform. Writes do not raise, they return `WriteOutcome` or `ChangeOutcome`.

Errors of reads, drawn below the tree of `schemas.errors`

    ParleyError
    ├── TransientError            timeout, connection, 5xx, "unknown error": read again later
    │   └── ThrottledError        over the platform's limit
    ├── RequestRefused            the request itself is wrong: the same request fails again
    │   └── NotReadable           by this name the platform never shows it; it may well exist: no fault
    └── AccountStopped            token dead, permission missing, blocked: nothing of this account will work
"""

from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import ParleyError


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


class NotReadable(RequestRefused):
    """The platform shows nothing by a name of this kind, whatever it names; nothing was asked."""


class AccountStopped(ParleyError):
    """Nothing of this account works; `cause` is AUTH, PERMISSION or BLOCKED."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
