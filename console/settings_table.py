"""`parley settings`: the table of settings, from their source; the README holds the same."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from infra.settings import Settings, variable
from schemas.errors import ConfigurationError

BEGIN: Final = "<!-- settings: written by `make docs` -->"
END: Final = "<!-- /settings -->"


def table() -> str:
    """The settings as a Markdown table."""
    rows = ["| Variable | Default | What it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `{variable(name)}` | {_default(name, field)} | {field.description} |")
    return "\n".join(rows)


def _default(name: str, field: FieldInfo) -> str:
    if name in ("state_dir", "cache_dir"):
        return f"`~/{'.local/state' if name == 'state_dir' else '.cache'}/parley`"
    value: Any = field.default
    return "" if value is None or value is PydanticUndefined else f"`{value}`"


def inserted(document: str) -> str:
    """`document` with the table between its two markers; raises ConfigurationError if they are missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ConfigurationError(
            f"The document lacks the lines {BEGIN} and {END}; put them where the table goes."
        )
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def settings(
    write: Annotated[Path | None, typer.Option(help="Put the table into this document instead.")] = None,
) -> None:
    """Shows every setting with its default."""
    if write is None:
        print(table())
    else:
        write.write_text(inserted(write.read_text(encoding="utf-8")), encoding="utf-8")
