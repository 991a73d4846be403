"""`parley analyze`: sentiment, intent and language of texts, by the model that the pipeline uses."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from console.printing import cell, json_line
from console.texts import BadRow, read_texts
from infra import settings
from models.analyzer import AT_ONCE, TextAnalysis
from schemas.errors import ConfigurationError


def analyze(
    file: Annotated[
        Path, typer.Argument(help=".tsv, .csv, .jsonl or plain lines; standard input without it")
    ] = Path("-"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a text.")] = False,
) -> None:
    """Labels each text of a file; a row that holds none is named and passed over."""
    from console.compose import load_analyzer  # heavy: the model's libraries

    analyzer = load_analyzer(settings.load())
    found = analyzer.stream(texts_of(file))
    if as_json:
        for line in json_lines(found):
            print(line)
        return
    while part := list(islice(found, AT_ONCE)):
        table = Table("Text", "Sentiment", "Intent", "Language", box=None)
        for text, result in part:
            table.add_row(
                cell(text[:100]),
                f"{result.sentiment} {result.sentiment_scores[result.sentiment]:.2f}",
                f"{result.intent} {result.intent_scores[result.intent]:.2f}",
                result.language,
            )
        Console().print(table)


def json_lines(found: Iterable[tuple[str, TextAnalysis]]) -> Iterator[str]:
    """One JSON object for each text with its labels, scores and language."""
    for text, result in found:
        labels = {
            "text": text,
            "sentiment": result.sentiment,
            "sentiment_scores": {name: round(by, 4) for name, by in result.sentiment_scores.items()},
            "intent": result.intent,
            "intent_scores": {name: round(by, 4) for name, by in result.intent_scores.items()},
            "language": result.language,
        }
        yield json_line(labels)


def texts_of(file: Path) -> Iterator[str]:
    """The texts of a file; names the rows that hold none. Raises ConfigurationError if all are such."""
    found = False
    for row in read_texts(file, blanks=False):
        if isinstance(row, BadRow):
            typer.echo(f"parley: row {row.number} passed over: {row.reason}", err=True)
        else:
            found = True
            yield row
    if not found:
        raise ConfigurationError(f"{file} holds no text. Name a file with a text in at least one row.")
