"""One attempt to post a reply, and one look for a reply in doubt: calls to the platform, no database.

Order of an attempt: the comment and the account's own replies are read again; only if nothing stands against
it is the reply sent. What is not certain is called `unknown`, and looked up before anything else. An earlier
reply to the comment that was in doubt, given up, and shows after all, ends the attempt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from connectors.outcomes import AccountStopped, Cause, NotSent, Posted, RequestRefused, Unknown
from connectors.platform import CommentState, OwnReply, PlatformClient
from schemas.errors import ThrottledError, TransientError
from sinks.ours import Found
from sinks.ours import Ours as Ours  # noqa: PLC0414  who starts attempts needs it too

TRIES: Final = 8
"""Attempts after which a reply that never got through is given to a person."""

THROTTLED_FOR: Final = 60.0
"""Seconds an account waits when the platform names no time."""

REFUSED_FOR: Final = 1.0
"""Seconds until a reply that was stopped just before it left is looked at again."""

ANSWERED: Final = "already answered: an earlier reply that was in doubt is on the platform"
"""Why a row ended whose comment turned out to have its answer."""

_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a claimed row.

    `state`: its new state; `queued` with a `pause` in seconds until it may be tried again. `hold`: seconds
    for which the whole account waits. `stop`: the account's new status, `blocked` or `needs_auth`. `unused`:
    the platform was not asked to post, so the account gets its token back. `absent`: a look-up read the
    platform and did not find the reply. `staff`: replies found there that are not ours. `earlier`: a reply
    found there that settles another row of the comment, to which this one gives way.
    """

    row: Any
    state: str
    reason: str
    reply_id: str | None = None
    pause: float = 0.0
    hold: float | None = None
    stop: str | None = None
    absent: bool = False
    unused: bool = False
    staff: tuple[OwnReply, ...] = ()
    earlier: Found | None = None


async def attempt(
    row: Any, client: PlatformClient, ours: Ours, *, may_send: Callable[[], Awaitable[str]], limit: float
) -> Verdict:
    """Posts the row's text unless something stands against it; never raises but on cancellation.

    `may_send` is awaited just before the call, with nothing between them: it says what stands against
    sending, "" for nothing. `limit`: seconds after which a call counts as unknown. Cancelled before the call,
    it leaves nothing behind.
    """
    try:
        against = await _against(row, client, ours)
        refused = "" if against else await may_send()
    except Exception as error:  # noqa: BLE001  whatever it is: nothing was sent
        return replace(_read_failed(row, error), unused=True)
    if against is not None:
        return replace(against, unused=True)
    if refused:
        return Verdict(row=row, state="queued", reason=refused, pause=REFUSED_FOR, unused=True)
    try:
        async with asyncio.timeout(limit):
            outcome = await client.reply(row["platform_comment_id"], row["text"])
    except Exception as error:  # noqa: BLE001  a client must not raise here; if one does, nobody knows
        outcome = Unknown(f"{type(error).__name__} while posting")
    match outcome:
        case Posted(reply_id=reply_id):
            return Verdict(row=row, state="posted", reason="posted", reply_id=reply_id)
        case Unknown(reason=reason):
            return Verdict(row=row, state="unknown", reason=reason)
        case NotSent():
            return _not_sent(row, outcome)


async def look_up(row: Any, client: PlatformClient, ours: Ours) -> Verdict:
    """Looks for a reply in doubt under its comment; never raises but on cancellation."""
    thread = row["thread_id"] if row["thread_id"] != row["platform_comment_id"] else None
    try:
        replies = await client.own_replies(row["platform_comment_id"], thread_id=thread)
    except Exception as error:  # noqa: BLE001  it stays in doubt
        failed = _read_failed(row, error)
        return Verdict(row=row, state="unknown", reason=row["reason"], hold=failed.hold, stop=failed.stop)
    found = ours.find(row, replies)
    return _answered(row, found) or Verdict(row=row, state="unknown", reason=row["reason"], absent=True)


async def _against(row: Any, client: PlatformClient, ours: Ours) -> Verdict | None:
    comment, below, elsewhere = await _read(row, client, in_doubt=ours.in_doubt(row))
    if answered := _answered(row, ours.find(row, (*below, *elsewhere))):
        return answered
    if not comment.exists:
        return Verdict(row=row, state="removed", reason="gone when it was to be answered")
    # Replies to others in the thread are no answer to this one; only a reply in doubt is looked for there.
    if staff := ours.staffs(below):
        reason = "answered by the account's own staff"
        return Verdict(row=row, state="answered_elsewhere", reason=reason, staff=staff)
    if comment.revision_id(str(row["comment_id"])) != str(row["revision_id"]):
        return Verdict(row=row, state="superseded", reason="edited when it was to be answered")
    if comment.is_hidden:
        return Verdict(row=row, state="not_allowed", reason="hidden on the platform")
    if comment.can_reply is False:
        return Verdict(row=row, state="not_allowed", reason="the platform takes no reply to it")
    if (pause := ours.hold(row)) > 0:
        return Verdict(row=row, state="queued", reason="an earlier reply to it may still show", pause=pause)
    return None


async def _read(
    row: Any, client: PlatformClient, *, in_doubt: bool
) -> tuple[CommentState, Sequence[OwnReply], Sequence[OwnReply]]:
    """The comment, the account's replies below it, and those in its thread if it is nested and in doubt."""
    name, thread = row["platform_comment_id"], row["thread_id"]
    if thread == name and not in_doubt:
        comment = await client.read_comment(name)
        if comment.own_replies is not None or not comment.exists:
            return comment, comment.own_replies or (), ()
        return comment, await client.own_replies(name), ()
    if thread == name or not in_doubt:
        return *await asyncio.gather(client.read_comment(name), client.own_replies(name)), ()
    return await asyncio.gather(
        client.read_comment(name), client.own_replies(name), client.own_replies(name, thread_id=thread)
    )


def _answered(row: Any, found: Found | None) -> Verdict | None:
    if found is None:
        return None
    if found.decision_id == row["decision_id"]:
        return Verdict(row=row, state="posted", reason="found on the platform", reply_id=found.reply_id)
    return Verdict(row=row, state="superseded", reason=ANSWERED, earlier=found)


def _read_failed(row: Any, error: Exception) -> Verdict:
    match error:
        case ThrottledError(retry_after=wait):
            return _not_sent(row, NotSent(Cause.THROTTLED, str(error), wait))
        case TransientError() | OSError():
            return _not_sent(row, NotSent(Cause.TRANSIENT, str(error)))
        case AccountStopped(cause=cause):
            return _not_sent(row, NotSent(cause, str(error)))
        case RequestRefused():
            return _not_sent(row, NotSent(Cause.PERMANENT, str(error)))
    return _not_sent(row, NotSent(Cause.TRANSIENT, f"{type(error).__name__}: {error}"))


def _not_sent(row: Any, outcome: NotSent) -> Verdict:
    match outcome.cause:
        case Cause.GONE:
            return Verdict(row=row, state="removed", reason=outcome.reason)
        case Cause.PERMANENT:
            return Verdict(row=row, state="failed", reason=outcome.reason)
        case Cause.THROTTLED:
            hold = THROTTLED_FOR if outcome.retry_after is None else outcome.retry_after
            return Verdict(row=row, state="queued", reason=outcome.reason, hold=hold)
        case Cause.TRANSIENT:
            if row["attempts"] >= TRIES:
                reason = f"not sent in {TRIES} attempts: {outcome.reason}"
                return Verdict(row=row, state="failed", reason=reason)
            pause = min(_FIRST_PAUSE * 2 ** (row["attempts"] - 1), _LONGEST_PAUSE)
            return Verdict(row=row, state="queued", reason=outcome.reason, pause=outcome.retry_after or pause)
    stop = "blocked" if outcome.cause is Cause.BLOCKED else "needs_auth"
    return Verdict(row=row, state="queued", reason=outcome.reason, stop=stop)
