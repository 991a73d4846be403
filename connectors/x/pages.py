"""Reading a listing of X to its end."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

from connectors.marks import Mark
from connectors.outcomes import RequestRefused
from connectors.x.api import Answer, read
from connectors.x.errors import XError, failure_of, is_gone
from connectors.x.posts import is_id
from schemas.errors import TransientError


class Found(NamedTuple):
    """A post and what came beside it."""

    post: Mapping[str, Any]
    includes: object


async def pages(
    call: Callable[..., Awaitable[Answer]], token_name: str, **params: Any
) -> AsyncIterator[Found]:
    """Posts until no `next_token` is given: a page may be empty and not the last. Raises the tree."""
    async for page in whole_pages(call, token_name, **params):
        for found in page:
            yield found


async def whole_pages(
    call: Callable[..., Awaitable[Answer]], token_name: str, mark: Mark | None = None, **params: Any
) -> AsyncIterator[list[Found]]:
    """The posts of each page. With a `mark` they begin there; a token that X no longer takes leads back to
    the first page.
    """
    kept = mark.begin if mark is not None else None
    if kept is not None:
        params[token_name] = kept
    seen: set[str] = set()
    while True:
        answer = await read(call(**params))
        if isinstance(answer, XError):
            if kept is not None and (is_gone(answer) or isinstance(failure_of(answer), RequestRefused)):
                kept = None
                del params[token_name]
                continue
            if is_gone(answer):
                return
            raise failure_of(answer)
        data = answer.content.get("data")
        includes = answer.content.get("includes")
        yield [
            Found(post, includes)
            for post in (data if isinstance(data, list) else ())
            if isinstance(post, Mapping)
        ]
        meta = answer.content.get("meta")
        token = meta.get("next_token") if isinstance(meta, Mapping) else None
        if not isinstance(token, str):
            return
        if token in seen:
            raise TransientError("X's pages go round in circles")
        seen.add(token)
        if mark is not None:
            mark.went_on(params.get(token_name), token)
        kept = None
        params[token_name] = token


def oldest_first(found: Iterable[Found]) -> list[Found]:
    """Posts in the order of their ids, each once: pages can shift while they are read."""
    by_id = {item.post["id"]: item for item in found if is_id(item.post.get("id"))}
    return [by_id[key] for key in sorted(by_id, key=int)]
