import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import StageHalted
from streams.isolation import isolate


class Work:
    """Doubles numbers; fails on any part that holds a poisonous one."""

    def __init__(self, poison: set[int]) -> None:
        self.poison = poison
        self.calls: list[list[int]] = []

    async def __call__(self, part: Sequence[int]) -> list[str]:
        self.calls.append(list(part))
        if self.poison & set(part):
            raise ValueError(f"{min(self.poison & set(part))} is poison")
        return [f"ok {number}" for number in part]


def dead(item: int, error: Exception) -> str:
    return f"dead {item}: {error}"


@given(st.integers(0, 70), st.sets(st.integers(0, 69), max_size=8))
async def test_exactly_the_poisonous_items_are_isolated_in_order_and_cheaply(
    count: int, poison: set[int]
) -> None:
    items = list(range(count))
    found = poison & set(items)
    work = Work(poison)
    results = await isolate(items, work, dead)
    assert results == [f"dead {n}: {n} is poison" if n in found else f"ok {n}" for n in items]
    done = [number for call in work.calls if not poison & set(call) for number in call]
    assert sorted(done) == sorted(set(items) - found), "a part that succeeded was processed again"
    if count:
        assert len(work.calls) <= 2 * len(found) * (math.log2(count) + 1) + 1


async def test_errors_that_end_the_process_pass_through() -> None:
    async def halted(_part: Sequence[int]) -> list[str]:
        raise StageHalted("enough")

    with pytest.raises(StageHalted):
        await isolate([1, 2], halted, dead)


async def test_another_number_of_results_is_a_broken_contract() -> None:
    async def short(part: Sequence[int]) -> list[str]:
        return ["one"] * (len(part) - 1)

    with pytest.raises(TypeError, match="2 results for 3 records"):
        await isolate([1, 2, 3], short, dead)
