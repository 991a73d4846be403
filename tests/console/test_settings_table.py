from pathlib import Path

import pytest

from console.settings_table import BEGIN, END, inserted, table
from infra.settings import VARIABLES
from schemas.errors import ConfigurationError

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_holds_the_table_of_todays_settings() -> None:
    text = README.read_text(encoding="utf-8")
    assert inserted(text) == text, "run `make docs`"


def test_every_variable_has_its_row() -> None:
    assert all(f"| `{variable}` |" in table() for variable in VARIABLES)


def test_a_document_without_the_markers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="lacks the lines"):
        inserted("no markers here")


def test_what_stands_around_the_table_stays() -> None:
    document = inserted(f"before\n{BEGIN}\nyesterday\n{END}\nafter\n")
    assert document.startswith("before\n")
    assert document.endswith("\nafter\n")
    assert "yesterday" not in document
