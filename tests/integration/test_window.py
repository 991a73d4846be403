"""A window over slow calls: at the pace it was built for, in order, and whole after a SIGKILL."""

import pytest

from console.bench.window import measured


@pytest.mark.integration
async def test_one_worker_holds_six_thousand_slow_calls_a_minute_in_order_and_loses_none(
    kafka_bootstrap: str,
) -> None:
    """Calls of 1 s in the median and 4 s at the 99th percentile; the time is theirs, not the machine's."""
    found = await measured(kafka_bootstrap, records=1500, records_with_kill=500)
    assert found["records a minute"] >= 6000
    assert found["lost"] == 0
    assert found["out of order within a key"] == 0
    assert found["repeated after SIGKILL"] < 500, "what was committed came again"
