"""Pages that go on for ever end the reading, and none is left out because another was short."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from connectors.linkedin.paging import pages
from connectors.linkedin.rest import Answer, Rest
from schemas.errors import TransientError

FULL = [{"id": number} for number in range(100)]


class Platform:
    """Answers each read with what `page` makes of its number."""

    def __init__(self, page: Callable[[int], Mapping[str, Any]]) -> None:
        self._page = page
        self.reads = 0

    async def read(self, _path: str) -> Answer:
        self.reads += 1
        return Answer(200, self._page(self.reads))


async def all_of(platform: Platform) -> int:
    return sum([len(page) async for page in pages(cast(Rest, platform), "posts") if isinstance(page, list)])


async def test_a_platform_that_ignores_where_to_start_is_not_read_for_ever() -> None:
    platform = Platform(lambda _: {"elements": FULL})
    with pytest.raises(TransientError, match="again and again"):
        await all_of(platform)
    assert platform.reads == 2


async def test_a_link_back_is_not_followed_for_ever() -> None:
    link = {"rel": "next", "href": "/rest/posts?start=0&count=100"}
    with pytest.raises(TransientError, match="circles"):
        await all_of(Platform(lambda n: {"elements": [{"id": n}], "paging": {"links": [link]}}))


async def test_links_to_other_hosts_give_nothing_but_a_number() -> None:
    link = {"rel": "next", "href": "https://evil.example/?start=100"}
    made: dict[int, Mapping[str, Any]] = {
        1: {"elements": FULL, "paging": {"links": [link]}},
        2: {"elements": [{"id": 1}]},
    }
    assert await all_of(Platform(lambda n: made[n])) == 101
