"""Whether an X account's token, rights and webhook subscription are as they must be."""

from collections.abc import Awaitable, Mapping
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
    """Whether events of the account go to a webhook that passes X's challenge; None if X does not say."""
    subscriptions = await _listed(app.get_activity_subscriptions())
    webhooks = await _listed(app.get_webhooks())
    if subscriptions is None or webhooks is None:
        return None
    valid = {entry.get("id") for entry in webhooks if entry.get("valid") is True}
    return any(
        _user_of(entry) == account.account_id and entry.get("webhook_id") in valid for entry in subscriptions
    )


async def _listed(call: Awaitable[Answer]) -> list[Mapping[str, Any]] | None:
    """Items of a listing; None if the app's token may not see it, which is no business of the account."""
    answer = await read(call)
    if isinstance(answer, XError):
        failure = failure_of(answer)
        if isinstance(failure, TransientError):
            raise failure
        return None
    data = answer.content.get("data")
    return [entry for entry in data if isinstance(entry, Mapping)] if isinstance(data, list) else []


def _user_of(entry: Mapping[str, Any]) -> object:
    found = entry.get("filter")
    return found.get("user_id") if isinstance(found, Mapping) else None
