import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from console.printing import cell, json_line, printable


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_says_the_same_and_steers_nothing(text: str) -> None:
    line = json_line({"text": text})
    assert json.loads(line) == {"text": text}
    assert not any(0x7F <= ord(char) <= 0x9F or char in "\u202e\u2066\u200f" for char in line)


@pytest.mark.parametrize("text", ["[/x]", "[red]", "[link=http://x]y", "\x1b[2J\x9b1m\u202e"])
def test_a_cell_shows_what_was_written_and_obeys_nothing(text: str) -> None:
    table = Table("a")
    table.add_row(cell(text))
    console = Console(width=60, record=True)
    console.print(table)
    assert printable(text).strip() in console.export_text()
    assert "\x1b" not in printable(text)
