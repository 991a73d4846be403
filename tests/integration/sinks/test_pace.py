"""More replies wait than a page may post; `make chaos-posting ARGS="--drain 2000"` posts them all."""

from pathlib import Path

import pytest

from infra.postgres import Pool
from tests.chaos.posting import drain

pytestmark = pytest.mark.integration

ENOUGH = 200
"""Replies after which the picture is clear."""


async def test_two_thousand_waiting_replies_never_block_the_page_and_leave_by_worth(
    pool: Pool, tmp_path: Path
) -> None:
    found = await drain.drain(pool, tmp_path, sent=ENOUGH)
    print(found)
    assert drain.broken(found) == [], found
    assert found["sent"] >= ENOUGH
    assert found["waited"] == 2000


def test_each_promise_of_a_drain_can_be_broken() -> None:
    good = {
        "blocks": 0, "out_of_order": 0, "answered_twice": 0, "account": "active", "budget_used": 0.96,
        "states": {"posted": 200, "queued": 1800}, "sent": 200, "waited": 2000,
    }  # fmt: skip
    assert drain.broken(good) == []
    bad = {
        "blocks": 1, "out_of_order": 2, "answered_twice": 1, "account": "blocked", "budget_used": 0.94,
        "states": {"posted": 199, "unknown": 1, "queued": 1800},
    }  # fmt: skip
    for what, wrong in bad.items():
        assert len(drain.broken({**good, what: wrong})) == 1, what
