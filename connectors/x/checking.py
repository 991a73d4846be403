"""Whether an X account's token, rights and webhook subscription are as they must be."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.accounts import Account
from connectors.platform import AccountCheck, AccountStopped, Cause
from connectors.x.api import Answer, Tweepy, read
from connectors.x.errors import XError, failure_of
from schemas.errors import TransientError


async def check_account(account: Account, tweepy: Tweepy, app: Tweepy | None) -> AccountCheck:
    """Asks who the token belongs to and what it may; the subscription only where the app's token is given.

    Raises TransientError alone. X does not tell when a token ends, nor its scopes.
    """
    answer = await read(tweepy.get_me(user_auth=False, user_fields="name,username"))
    if isinstance(answer, XError):
        failure = failure_of(answer)
        if isinstance(failure, TransientError):
            raise failure
        cause = failure.cause if isinstance(failure, AccountStopped) else Cause.AUTH
        return AccountCheck(problem=cause, reason=str(failure))
    user = answer.content.get("data")
    user = user if isinstance(user, Mapping) else {}
    name, username = user.get("name"), user.get("username")
    problem, reason = None, ""
    if user.get("id") != account.account_id:
        problem = Cause.AUTH
        reason = f"The token belongs to another X account (@{username}); connect this one again."
    elif answer.headers.get("x-access-level") == "read":
        problem = Cause.PERMISSION
        reason = "The token may read but not write; give the X app write access and connect again."
    return AccountCheck(
        problem=problem,
        reason=reason,
        subscribed=await _subscribed(account, app) if app and problem is None else None,
        name=name if isinstance(name, str) else None,
        username=username if isinstance(username, str) else None,
    )


async def _subscribed(account: Account, app: Tweepy) -> bool | None:
    """Whether the X Activity API has a subscription for the account; None if it does not say."""
    answer = await read(app.get_activity_subscriptions())
    if isinstance(answer, XError):
        failure = failure_of(answer)
        if isinstance(failure, TransientError):
            raise failure
        return None  # the app's token is no business of this account
    return any(_user_of(entry) == account.account_id for entry in _entries(answer))


def _entries(answer: Answer) -> Iterator[Mapping[str, Any]]:
    data = answer.content.get("data")
    for entry in data if isinstance(data, list) else ():
        if isinstance(entry, Mapping):
            yield entry


def _user_of(entry: Mapping[str, Any]) -> object:
    found = entry.get("filter")
    return found.get("user_id") if isinstance(found, Mapping) else None
