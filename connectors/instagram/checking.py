"""Whether an account's token, rights and subscription are as they must be, found by asking; subscribing.

Sources: the IG User node, "Debug Token", and the `subscribed_apps` edges of pages (Facebook Login) and of
accounts (Instagram Login; one field subscribed to is enough, says Meta, for all that the app asks for).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from connectors.accounts import Account
from connectors.instagram.access import Access
from connectors.meta.errors import GraphError, failure_of, is_gone
from connectors.meta.graph import Answer, Graph
from connectors.meta.paging import path_of
from connectors.outcomes import AccountStopped, Cause, ChangeOutcome, Done, NotSent, Unknown
from connectors.platform import AccountCheck
from schemas.errors import TransientError

_RIGHT: Final = "instagram_manage_comments"
_AGAIN: Final = "connect the account again"
_COUNTED: Final = "id,comments_count,comments.limit(1){id}"


class Checking:
    """One account's. Raises TransientError alone, when Meta cannot say."""

    def __init__(
        self, account: Account, graph: Graph, way: Access, http: httpx.AsyncClient, token: str
    ) -> None:
        self._account = account
        self._graph = graph
        self._way = way
        self._http = http
        self._token = token

    async def check(self) -> AccountCheck:
        """What is wrong first, if anything is."""
        try:
            told = await self._told_of_token()
            if told.problem is not None:
                return told
            answer = await self._graph.read(self._path(), {"fields": "username,name"})
            if isinstance(answer, GraphError):
                if is_gone(answer):
                    reason = f"The token does not open this account; {_AGAIN} with the right person."
                    return AccountCheck(problem=Cause.AUTH, reason=reason)
                raise failure_of(answer)
            empty = await self._shows_nothing()
            return AccountCheck(
                problem=Cause.PERMISSION if empty else None,
                reason=empty,
                subscribed=await self._subscribed(),
                expires_at=told.expires_at,
                scopes=told.scopes,
                name=_text(answer.content.get("name")),
                username=_text(answer.content.get("username")),
            )
        except AccountStopped as error:
            return AccountCheck(problem=error.cause, reason=f"{error} - {_AGAIN}.")

    async def _told_of_token(self) -> AccountCheck:
        """Expiry and rights, where the app may ask: with Facebook Login, if its id and secret are known."""
        app_id, secret = self._way.app_id, self._way.app_secret
        if not self._way.by_page or not app_id or not secret:
            return AccountCheck()
        app = Graph(
            self._http,
            base_url=self._way.graph_url,
            version=self._way.version,
            token=f"{app_id}|{secret}",
            app_secret=secret,
            timeout=self._way.timeout,
        )
        answer = await app.read("debug_token", {"input_token": self._token})
        data = answer.content.get("data") if isinstance(answer, Answer) else None
        if not isinstance(data, Mapping):
            return AccountCheck()  # says nothing of the account's token: the next read will
        if data.get("is_valid") is False:
            return AccountCheck(problem=Cause.AUTH, reason=f"The token is no longer valid; {_AGAIN}.")
        scopes = frozenset(scope for scope in data.get("scopes") or () if isinstance(scope, str))
        if scopes and _RIGHT not in scopes:
            reason = f"The right {_RIGHT} was not granted; {_AGAIN} and grant it."
            return AccountCheck(problem=Cause.PERMISSION, reason=reason, scopes=scopes)
        return AccountCheck(expires_at=_ends(data), scopes=scopes)

    async def _shows_nothing(self) -> str:
        """Why comments are not seen although some are counted; empty if they are, or none are."""
        answer = await self._graph.read(f"{self._path()}/media", {"fields": _COUNTED, "limit": "25"})
        if isinstance(answer, GraphError):
            raise failure_of(answer)
        media = [item for item in answer.content.get("data") or () if isinstance(item, Mapping)]
        counted = [item for item in media if item.get("comments_count")]
        if not counted or any(_has_items(item.get("comments")) for item in counted):
            return ""
        return f"Comments are counted and none is shown: the token is of the wrong kind; {_AGAIN}."

    async def _subscribed(self) -> bool | None:
        path = "me" if self._way.by_page else self._path()
        answer = await self._graph.read(f"{path}/subscribed_apps", {})
        if isinstance(answer, GraphError):
            failure = failure_of(answer)
            if isinstance(failure, TransientError):
                raise failure
            return None
        apps = [app for app in answer.content.get("data") or () if isinstance(app, Mapping)]
        if self._way.by_page and self._way.app_id:
            return any(app.get("id") == self._way.app_id for app in apps)
        return bool(apps)

    async def subscribe(self) -> ChangeOutcome:
        """From then on the account's comments come by webhook; with Facebook Login its page is subscribed."""
        path, fields = ("me", "feed") if self._way.by_page else (self._path(), "comments,live_comments")
        answer = await self._graph.write("POST", f"{path}/subscribed_apps", {"subscribed_fields": fields})
        if isinstance(answer, (NotSent, Unknown)):
            return answer
        taken = answer.content.get("success") in (True, "true")
        return Done() if taken else Unknown("an answer without success")

    def _path(self) -> str:
        return path_of(self._account.account_id)


def _has_items(edge: object) -> bool:
    return isinstance(edge, Mapping) and bool(edge.get("data"))


def _ends(data: Mapping[str, Any]) -> datetime | None:
    """When the token ends, or the access to data that it opens: 0 and nothing mean never."""
    times = [data.get(name) for name in ("expires_at", "data_access_expires_at")]
    ends = [at for at in times if isinstance(at, int) and not isinstance(at, bool) and at > 0]
    return datetime.fromtimestamp(min(ends), UTC) if ends else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
