"""The pages of a Graph edge, read to the end. Source: "Paginated Results" of the Graph API documentation."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from connectors.marks import Mark
from connectors.meta.errors import GraphError, failure_of, is_gone
from connectors.meta.graph import Graph
from connectors.outcomes import AccountStopped, Cause, RequestRefused
from schemas.errors import TransientError

PAGE_SIZE: Final = 100


async def pages(
    graph: Graph,
    parent: str,
    edge: str,
    params: Mapping[str, str],
    *,
    size: int = PAGE_SIZE,
    of_account: bool = False,
    mark: Mark | None = None,
) -> AsyncIterator[Mapping[str, Any]]:
    """Items of `/{parent}/{edge}` until `next` is absent: a page may be empty and not the last.

    Nothing for a parent that is gone; other errors raise as reads do. `of_account`: the parent is the account
    itself, and where it cannot be seen the token is not the account's: AccountStopped, never an empty list.
    With a `mark` it begins there: Meta says that cursors must not be kept for long, so one that is refused
    leads back to the first page.
    """
    query = {**params, "limit": str(size)}
    kept = mark.begin if mark is not None else None
    if kept is not None:
        query["after"] = kept
    seen: set[str] = set()
    while True:
        answer = await graph.read(f"{path_of(parent)}/{edge}", query)
        if isinstance(answer, GraphError):
            if kept is not None and (is_gone(answer) or isinstance(failure_of(answer), RequestRefused)):
                kept = None
                del query["after"]
                continue
            if is_gone(answer) and of_account:
                raise AccountStopped(Cause.AUTH, f"The token does not open the account {parent}. {answer}")
            if is_gone(answer):
                return
            raise failure_of(answer)
        for item in answer.content.get("data") or ():
            if isinstance(item, Mapping):
                yield item
        after = _after(answer.content.get("paging"))
        if after is None:
            return
        if after in seen:
            raise TransientError(f"Meta's pages below {parent} go round in circles")
        seen.add(after)
        if mark is not None:
            mark.went_on(query.get("after"), after)
        kept = None
        query["after"] = after


def path_of(platform_id: str) -> str:
    """An id as a part of a path."""
    return quote(platform_id, safe="")


def _after(paging: object) -> str | None:
    """The next page's cursor, None if this was the last; the URL `next` is not called: it holds a token."""
    following = paging.get("next") if isinstance(paging, Mapping) else None
    if not isinstance(paging, Mapping) or not isinstance(following, str):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, Mapping) else None
    return after if isinstance(after, str) else parse_qs(urlsplit(following).query).get("after", [None])[0]
