"""Cursors of the simulated Graph API."""

from connectors.meta.simulator.cursors import cursor_of, position_of


def test_any_number_of_empty_pages_in_a_row_have_cursors_of_their_own() -> None:
    """Else whoever reads them would rightly say that the pages go round in circles."""
    cursor = cursor_of(25)
    seen = {cursor}
    for _ in range(5):
        cursor = cursor_of(25, cursor, empty=True)
        assert position_of(cursor) == 25
        assert cursor not in seen
        seen.add(cursor)
    assert cursor_of(50, cursor) == cursor_of(50)


def test_what_is_no_cursor_is_the_beginning() -> None:
    assert position_of(None) == position_of("not a cursor") == position_of("\u00e9") == 0
