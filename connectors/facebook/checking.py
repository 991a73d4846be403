"""Whether a page's token, rights and webhook subscription are as they must be.

Source: "Page/subscribed_apps", "Debug Token" and section 2.1 of the platform contracts: a person's token
lists no comments and says no word of it, so that whose token it is must be asked.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connectors.accounts import Account
from connectors.meta.errors import GraphError, failure_of
from connectors.meta.graph import Answer, Graph
from connectors.meta.paging import path_of
from connectors.outcomes import AccountStopped, Cause
from connectors.platform import AccountCheck
from schemas.errors import TransientError

NEEDED: Final = ("pages_read_engagement", "pages_read_user_content", "pages_manage_engagement")


async def check_page(account: Account, graph: Graph, app: Graph | None, app_id: str | None) -> AccountCheck:
    """Asks who the token is, what it may, and who is subscribed; `app`: calls with the app's own token.

    Rights and the token's end are known only where there is `app`. Raises TransientError alone.
    """
    me = await graph.read("me", {"fields": "id,name,username"})
    if isinstance(me, GraphError):
        return _refused(me)
    if me.content.get("id") != account.account_id:
        return AccountCheck(
            problem=Cause.AUTH,
            reason="The token is not this page's (a person's token reads no comments, without an error); "
            "connect the page again, or add its page access token.",
        )
    token = await _debugged(graph, app) if app is not None else {}
    if isinstance(token, AccountCheck):
        return token
    scopes = frozenset(str(scope) for scope in token.get("scopes") or ())
    missing = [right for right in NEEDED if right not in scopes] if app is not None else []
    if missing:
        return AccountCheck(
            problem=Cause.PERMISSION,
            reason=f"The token lacks {', '.join(missing)}; connect the page again and allow them.",
            scopes=scopes,
        )
    name, username, ends = me.content.get("name"), me.content.get("username"), token.get("expires_at")
    return AccountCheck(
        subscribed=await _subscribed(account, graph, app_id),
        expires_at=datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) and ends > 0 else None,
        scopes=scopes,
        name=name if isinstance(name, str) else None,
        username=username if isinstance(username, str) else None,
    )


async def _debugged(graph: Graph, app: Graph | None) -> Mapping[str, Any] | AccountCheck:
    answer = await (app or graph).read("debug_token", {"input_token": graph.token})
    if isinstance(answer, GraphError):
        return _refused(answer)
    data = answer.content.get("data")
    data = data if isinstance(data, Mapping) else {}
    if data.get("is_valid") is False:
        return AccountCheck(
            problem=Cause.AUTH, reason="Facebook says that the token is dead; connect the page again."
        )
    return data


async def _subscribed(account: Account, graph: Graph, app_id: str | None) -> bool | None:
    answer = await graph.read(
        f"{path_of(account.account_id)}/subscribed_apps", {"fields": "id,subscribed_fields"}
    )
    if not isinstance(answer, Answer):
        if isinstance(failure := failure_of(answer), TransientError):
            raise failure
        return None  # not allowed to know
    data = answer.content.get("data")
    return any(
        isinstance(entry, Mapping)
        and "feed" in (entry.get("subscribed_fields") or ())
        and app_id in (None, entry.get("id"))
        for entry in (data if isinstance(data, list) else ())
    )


def _refused(error: GraphError) -> AccountCheck:
    failure = failure_of(error)
    if isinstance(failure, TransientError):
        raise failure
    cause = failure.cause if isinstance(failure, AccountStopped) else Cause.AUTH
    return AccountCheck(problem=cause, reason=str(failure))
