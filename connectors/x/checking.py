"""Whether an X account's token, rights and webhook subscription are as they must be."""

from collections.abc import Mapping

from connectors.accounts import Account
from connectors.outcomes import AccountStopped, Cause
from connectors.platform import AccountCheck
from connectors.x.api import Tweepy, read
from connectors.x.errors import XError, failure_of
from connectors.x.subscribing import is_subscribed
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
        subscribed=await is_subscribed(account, app) if app and problem is None else None,
        name=name if isinstance(name, str) else None,
        username=username if isinstance(username, str) else None,
    )
