"""Rest.li's pages: `start` and `count`, and links where LinkedIn gives them.

Which of links and `total` a collection has is not documented: a link to a next page is followed, else `total`
decides, else a full page means that there may be more. A short or empty page alone is no end.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from connectors.linkedin.errors import ApiError
from connectors.linkedin.fields import number_of
from connectors.linkedin.rest import Rest
from connectors.marks import Mark
from schemas.errors import TransientError

PAGE_SIZE: Final = 100


async def pages(
    rest: Rest, path: str, mark: Mark | None = None
) -> AsyncIterator[list[Mapping[str, Any]] | ApiError]:
    """The objects of each page of a collection; an error answer ends it. Raises TransientError.

    `path` as in `Rest.read`, without `start` and `count`. With a `mark` they begin there.
    """
    begin = mark.begin if mark is not None else None
    start, joint = int(begin or 0), "&" if "?" in path else "?"
    before: list[Mapping[str, Any]] = []
    while True:
        answer = await rest.read(f"{path}{joint}start={start}&count={PAGE_SIZE}")
        if isinstance(answer, ApiError):
            yield answer
            return
        elements = answer.content.get("elements")
        items = [item for item in elements if isinstance(item, Mapping)] if isinstance(elements, list) else []
        if items and items == before:
            raise TransientError("LinkedIn gives the same page again and again")
        yield items
        before = items
        following = next_start(answer.content.get("paging"), start, len(items))
        if following is None:
            return
        if following <= start:
            raise TransientError("LinkedIn's pages go round in circles")
        if mark is not None:
            mark.went_on(str(start), str(following))
        start = following


def next_start(paging: object, start: int, received: int) -> int | None:
    """Where the next page begins; None if this was the last."""
    size = number_of(paging, "count") or PAGE_SIZE
    links = paging.get("links") if isinstance(paging, Mapping) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "next":
            named = parse_qs(urlsplit(str(link.get("href"))).query).get("start", [""])[0]
            return int(named) if named.isdigit() else start + size
    total = number_of(paging, "total")
    more = start + size < total if total is not None else received >= size
    return start + size if more else None
