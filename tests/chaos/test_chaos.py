"""The pipeline under faults, in short; `make chaos` is the long run."""

from pathlib import Path

import pytest

from tests.chaos import proof
from tests.chaos.run import Chaos
from tests.chaos.scenario import FIRST, FULL, LAST, SHORT, Kind

SEED = 20261122


@pytest.mark.chaos
async def test_nothing_is_lost_or_done_twice_while_processes_and_servers_die(tmp_path: Path) -> None:
    found = await Chaos(SHORT, SEED, tmp_path).run()
    assert proof.broken(found, speed=False) == [], found
    assert found["received"] == SHORT.comments
    assert found["faults"][Kind.KILL] == SHORT.kills + 2
    assert found["poison"]["records"] == SHORT.comments // SHORT.poison


def test_the_same_seed_makes_the_same_faults() -> None:
    faults = FULL.faults(7)
    assert faults == FULL.faults(7) != FULL.faults(8)
    assert all(FIRST * 50_000 <= each.decided <= LAST * 50_000 for each in faults)
    assert sum(each.kind is Kind.KILL for each in faults) == 20
    assert sum(each.kind is Kind.RESTART for each in faults) == 10


def test_a_rate_is_full_again_when_a_window_reaches_it() -> None:
    """100 a second for 60 s, nothing for 20 s, then 100 a second again; the last fault ends at 80 s."""
    series = [(float(at), 100 * min(at, 60) + 100 * max(0, at - 90)) for at in range(140)]
    found = proof.rates(series, first_fault=60.0, last_fault=80.0)
    assert found["per_second_before"] == 100
    assert found["per_second_after"] == 100
    assert 5 <= found["full_again_after_seconds"] <= 12
