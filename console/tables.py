"""Tables that can be read on any terminal: columns are left out before their cells become slivers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.printing import cell

_FRAME: Final = 3
"""Characters that a column takes beside its own; the table takes one more."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and what becomes of it where there is little room.

    `of` gives a row's value. The columns of the highest `rank` go first. `least`: characters below which it
    cannot be read; None for one that is shown whole or not at all. `begins`: below its whole width only the
    beginning is shown, `least` long, for ids that are told by how they begin.
    """

    heading: str
    of: Callable[[Any], object]
    rank: int = 0
    least: int | None = None
    begins: bool = False


def show(
    columns: Sequence[Column], rows: Iterable[Any], nothing: str, *, console: Console | None = None
) -> None:
    """Prints the rows with the columns that fit, and names those that do not; `nothing` where none are."""
    console = console or Console()
    cells = [[cell(column.of(row)) for column in columns] for row in rows]
    if not cells:
        console.print(nothing)
        return
    widths = fitted(columns, cells, console.width)
    table = Table(caption_justify="left")
    for place, width in widths.items():
        begins = columns[place].begins
        table.add_column(
            columns[place].heading, width=width, no_wrap=begins, overflow="crop" if begins else "fold"
        )
    for row in cells:
        table.add_row(*(row[place] for place in widths))
    if hidden := [column.heading for place, column in enumerate(columns) if place not in widths]:
        table.caption = f"--json and a wider terminal show more: {', '.join(hidden)}"
    console.print(table)


def fitted(columns: Sequence[Column], cells: Sequence[Sequence[Text]], width: int) -> dict[int, int]:
    """The places of the columns that fit into `width` characters, in their order, and how wide each is."""
    whole = [
        max(_least_heading(column), *(cell_len(row[place].plain) for row in cells))
        for place, column in enumerate(columns)
    ]
    need = [
        wide if column.least is None else min(wide, max(column.least, _least_heading(column)))
        for column, wide in zip(columns, whole, strict=True)
    ]
    room, taken = width - 1, dict[int, int]()
    for place in sorted(range(len(columns)), key=lambda place: columns[place].rank):
        if not taken or need[place] + _FRAME <= room:
            taken[place] = need[place]
            room -= need[place] + _FRAME
    # A beginning is enough: the whole id comes after texts that have twice the least.
    spare = sum(need[place] for place in taken if not columns[place].begins)
    for place in [place for place in taken if columns[place].begins]:
        if whole[place] - need[place] + spare <= room:
            room -= whole[place] - taken[place]
            taken[place] = whole[place]
    growing = [place for place in taken if not columns[place].begins]
    while room > 0 and (growing := [place for place in growing if taken[place] < whole[place]]):
        for place in growing[:room]:
            taken[place] += 1
            room -= 1
    return dict(sorted(taken.items()))


def _least_heading(column: Column) -> int:
    return max(map(cell_len, column.heading.split()), default=0)
