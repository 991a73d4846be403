"""Comment texts from a file: TSV (the last column), CSV and JSONL (the field `text`), or plain lines.

A row that cannot be read is a `BadRow` with its number and reason, never an end of the reading.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import ConfigurationError

LONGEST_ROW: Final = 1_000_000
"""Characters; a longer row is taken for damage."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that holds no text; `reason` is a short fixed name."""

    number: int
    reason: str


def read_texts(path: Path, *, blanks: bool = True) -> Iterator[str | BadRow]:
    """The texts of a file by its suffix: .tsv, .csv, .jsonl, anything else by lines; `-` is standard input.

    `blanks`: whether nothing but white space counts as a text, as it does for comments. Raises
    ConfigurationError if the file cannot be opened, or a CSV has no column `text`.
    """
    for number, row in _rows(path):
        yield BadRow(number, "no text") if not blanks and isinstance(row, str) and not row.strip() else row


def _rows(path: Path) -> Iterator[tuple[int, str | BadRow]]:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}. Name a file that exists.") from error
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield from _csv(path, data.decode("utf-8-sig", "replace"))
        return
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        lines.pop()  # what follows the last line break
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            yield number, BadRow(number, "not UTF-8")
            continue
        if len(line) > LONGEST_ROW:
            yield number, BadRow(number, "too long")
        elif suffix == ".tsv":
            yield number, line.rpartition("\t")[2]
        elif suffix in (".jsonl", ".ndjson"):
            yield number, _json(number, line)
        else:
            yield number, line


def _json(number: int, line: str) -> str | BadRow:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return BadRow(number, "not JSON")
    text = row.get("text") if isinstance(row, dict) else row
    return text if isinstance(text, str) else BadRow(number, "no text")


def _csv(path: Path, data: str) -> Iterator[tuple[int, str | BadRow]]:
    csv.field_size_limit(LONGEST_ROW)
    reader = csv.reader(io.StringIO(data, newline=""))
    header = [name.strip().lower() for name in next(reader, [])]
    if "text" not in header:
        raise ConfigurationError(
            f"{path} has no column `text` (its columns: {', '.join(header) or 'none'}). Name one `text`."
        )
    column = header.index("text")
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, BadRow(reader.line_num, "not CSV")
            continue
        if row:
            number = reader.line_num
            yield number, row[column] if len(row) > column else BadRow(number, "no text")
