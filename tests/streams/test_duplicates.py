import asyncio
from collections.abc import Collection, Sequence

from streams.duplicates import Duplicates


async def test_remembers_only_what_was_finished_and_only_so_many() -> None:
    duplicates = Duplicates(size=3)
    assert await duplicates.known(["a"]) == set()
    duplicates.remember(["a", "b", None, "c"])
    duplicates.remember(["a"])  # seen again: young again
    duplicates.remember(["d"])
    assert await duplicates.known(["a", "b", "c", "d"]) == {"a", "c", "d"}


async def test_asks_once_for_a_batch_about_the_unknown() -> None:
    asked: list[list[str]] = []

    async def look_up(ids: Sequence[str]) -> Collection[str]:
        asked.append(list(ids))
        return {"stored"}

    duplicates = Duplicates(look_up=look_up)
    duplicates.remember(["recent"])
    assert await duplicates.known(["recent", "stored", "new", "new"]) == {"recent", "stored"}
    assert asked == [["stored", "new"]]


async def test_fails_open() -> None:
    async def broken(_ids: Sequence[str]) -> Collection[str]:
        raise ConnectionError("database away")

    async def hangs(_ids: Sequence[str]) -> Collection[str]:
        await asyncio.Event().wait()
        return []

    for look_up in (broken, hangs):
        duplicates = Duplicates(look_up=look_up, patience=0.01)
        duplicates.remember(["recent"])
        assert await duplicates.known(["recent", "x"]) == {"recent"}
