import pytest

from connectors.linkedin.errors import api_error
from connectors.meta.errors import graph_error
from connectors.waits import LONGEST, seconds_of, seconds_until
from connectors.x.errors import x_error


@pytest.mark.parametrize(
    ("named", "seconds"),
    [("5", 5), ("0", 0), ("9" * 400, LONGEST), ("", None), (None, None), ("-1", None), ("\u00b2", None)],
)
def test_what_a_header_says_is_a_time_that_ends(named: str | None, seconds: float | None) -> None:
    assert seconds_of(named) == seconds


def test_a_moment_is_seconds_from_now() -> None:
    assert seconds_until("1100", 1000) == 100
    assert seconds_until("900", 1000) == 1
    assert seconds_until("9" * 400, 1000) == LONGEST
    assert seconds_until("soon", 1000) is None


@pytest.mark.parametrize("named", ["\u00b2", "9" * 400, "soon", "-5"])
def test_no_header_makes_an_error_unreadable(named: str) -> None:
    headers = {"retry-after": named, "x-rate-limit-reset": named}
    for error in (x_error(429, b"", headers), graph_error(429, b"", headers), api_error(429, b"", headers)):
        assert error.retry_after is None or 0 < error.retry_after <= LONGEST
