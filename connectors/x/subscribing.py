"""Has X deliver an account's events: a webhook for our address, and subscriptions that name the account.

Sources: "Create webhook", "Validate webhook" and "Create X activity subscription" of X's documentation; all
take the app's own token. X tests the address at once (CRC), so `parley serve` must be reachable there. Not
verified: whether private events want the account's token instead, and how many subscriptions a tier has; a
refusal is told in X's words.
"""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from connectors.accounts import Account
from connectors.outcomes import AccountStopped, Cause, ChangeOutcome, Done, NotSent, RequestRefused, Unknown
from connectors.subscribing import not_made
from connectors.x.api import Answer, Tweepy, read, write
from connectors.x.errors import XError, failure_of
from schemas.errors import ParleyError

EVENTS: Final = ("post.create", "post.mention.create", "post.reply.create")
"""Own posts, which tell of own replies; what names the account; what answers it."""

_FAILED: Final = (
    "X's test of our address failed: parley serve must answer there, with PARLEY_X_CONSUMER_SECRET"
)


async def subscribe(account: Account, app: Tweepy | None, callback: str | None) -> ChangeOutcome:
    """Makes what is missing, and no more. `callback`: where X reaches our webhook."""
    if app is None or callback is None:
        reason = (
            "webhooks are the X app's: set PARLEY_X_BEARER_TOKEN and PARLEY_WEBHOOK_URL, and connect again "
            "while parley serve is reachable there"
        )
        return NotSent(Cause.PERMANENT, reason)
    try:
        webhooks, subscriptions = await _listed(app.get_webhooks()), await _subscriptions(account, app)
    except ParleyError as error:
        return not_made(error)
    webhook = await _webhook(app, callback, webhooks)
    if not isinstance(webhook, str):
        return webhook
    there = {entry.get("event_type") for entry in subscriptions if entry.get("webhook_id") == webhook}
    for event in EVENTS:
        if event not in there:
            wanted = {"event_type": event, "filter": {"user_id": account.account_id}, "webhook_id": webhook}
            made = await write(app.request("POST", "/2/activity/subscriptions", json=wanted))
            if not isinstance(made, Answer):
                return made
    return Done()


async def is_subscribed(account: Account, app: Tweepy) -> bool | None:
    """Whether all events go to a webhook that passes X's test; None where the app's token may not see that,
    which is no business of the account. Raises TransientError.
    """
    try:
        webhooks, subscriptions = await _listed(app.get_webhooks()), await _subscriptions(account, app)
    except (AccountStopped, RequestRefused):
        return None
    valid = {entry.get("id") for entry in webhooks if entry.get("valid") is True}
    return {entry.get("event_type") for entry in subscriptions if entry.get("webhook_id") in valid} >= {
        *EVENTS
    }


async def _subscriptions(account: Account, app: Tweepy) -> list[Mapping[str, Any]]:
    return [
        entry
        for entry in await _listed(app.get_activity_subscriptions())
        if isinstance(found := entry.get("filter"), Mapping) and found.get("user_id") == account.account_id
    ]


async def _listed(call: Awaitable[Answer]) -> list[Mapping[str, Any]]:
    answer = await read(call)
    if isinstance(answer, XError):
        raise failure_of(answer)
    data = answer.content.get("data")
    return [entry for entry in data if isinstance(entry, Mapping)] if isinstance(data, list) else []


async def _passes(app: Tweepy, webhook: str) -> bool:
    try:
        known = await _listed(app.get_webhooks())
    except ParleyError:
        return False
    return any(entry.get("id") == webhook and entry.get("valid") is True for entry in known)


async def _webhook(app: Tweepy, callback: str, known: list[Mapping[str, Any]]) -> str | NotSent | Unknown:
    """Id of the webhook for our address, which has passed X's test."""
    for entry in known:
        if entry.get("url") == callback and isinstance(found := entry.get("id"), str):
            if entry.get("valid") is True:
                return found
            tested = await write(app.request("PUT", f"/2/webhooks/{found}"))
            if not isinstance(tested, Answer):
                return tested
            # That the test was made does not say how it ended.
            return found if await _passes(app, found) else NotSent(Cause.PERMANENT, _FAILED)
    made = await write(app.request("POST", "/2/webhooks", json={"url": callback}))
    if not isinstance(made, Answer):
        return made
    data = made.content.get("data")
    found = data.get("id") if isinstance(data, Mapping) else None
    return found if isinstance(found, str) else Unknown(f"HTTP {made.status} without the webhook's id")
