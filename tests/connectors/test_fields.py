from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.fields import moment

NOW = datetime(2026, 3, 14, tzinfo=UTC)
anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.datetimes().map(datetime.isoformat)
)


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_what_a_calendar_holds_is_none(value: str) -> None:
    assert moment(value, NOW) is None


@given(anything)
def test_any_value_is_a_time_or_none(value: object) -> None:
    found = moment(value, NOW)
    assert found is None or found.tzinfo is UTC
