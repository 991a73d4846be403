"""Posters under faults, in short; `make chaos-posting` is the long run."""

from pathlib import Path

import pytest

from connectors.facebook.simulator.faults import CATALOGUE
from connectors.simulation.late import LATE_WRITE
from tests.chaos.posting import proof
from tests.chaos.posting.run import PostingChaos
from tests.chaos.posting.scenario import (
    BEFORE,
    BEHIND,
    FULL,
    LATE_EFFECT,
    LATE_LISTING,
    META,
    SETTLE_AFTER,
    SHORT,
)

SEED = 20261122
IN_DOUBT = {*BEHIND, *BEFORE, *META, LATE_WRITE}


@pytest.mark.chaos
async def test_every_comment_is_answered_once_whatever_the_platforms_and_the_posters_do(
    tmp_path: Path,
) -> None:
    found = await PostingChaos(SHORT, SEED, tmp_path).run()
    print(found["scale"], found["seconds"], found["faults"])
    assert proof.broken(found) == [], found
    assert found["kills"] == SHORT.kills
    assert found["stopped_past_their_lease"] == len(SHORT.stops)
    assert found["in_doubt"] > 0
    assert found["valid_and_unposted"] == 0
    assert found["replies"] >= SHORT.replies - found["removed_by_their_authors"]


def test_the_full_run_is_what_was_asked_for() -> None:
    assert (FULL.replies, FULL.kills) == (5000, 20)
    assert {count for _, count in FULL.posters} <= {2, 3, 4}
    assert FULL.strikes(7) == FULL.strikes(7) != FULL.strikes(8)
    faults = FULL.faults(frozenset(CATALOGUE))
    assert sum(share for name, (share, _) in faults.items() if name in IN_DOUBT) == pytest.approx(0.1)
    assert LATE_EFFECT + LATE_LISTING < SETTLE_AFTER
