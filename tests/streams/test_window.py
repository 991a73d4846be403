import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.window import Prefix


def test_position_grows_only_over_the_finished_prefix() -> None:
    prefix: Prefix[str] = Prefix()
    for offset in (4, 5, 8):
        prefix.begin("p", offset)
    assert prefix.finish("p", 5) is None
    assert prefix.finish("p", 4) == 6
    assert prefix.finish("p", 8) == 9
    assert len(prefix) == 0


def test_partitions_do_not_hold_each_other_up() -> None:
    prefix: Prefix[str] = Prefix()
    prefix.begin("a", 1)
    prefix.begin("b", 1)
    assert prefix.finish("b", 1) == 2


def test_a_record_cannot_be_in_flight_twice() -> None:
    prefix: Prefix[str] = Prefix()
    prefix.begin("p", 1)
    with pytest.raises(ValueError, match="already in flight"):
        prefix.begin("p", 1)


@given(
    st.lists(st.integers(0, 10_000), unique=True, min_size=1, max_size=60), st.randoms(use_true_random=False)
)
def test_no_position_ever_passes_an_unfinished_record(offsets: list[int], chance: random.Random) -> None:
    offsets.sort()
    prefix: Prefix[str] = Prefix()
    for offset in offsets:
        prefix.begin("p", offset)
    open_offsets, positions = set(offsets), [0]
    for offset in chance.sample(offsets, len(offsets)):
        open_offsets.discard(offset)
        position = prefix.finish("p", offset)
        if position is not None:
            assert all(each >= position for each in open_offsets)
            assert position > positions[-1]
            positions.append(position)
    assert positions[-1] == offsets[-1] + 1
