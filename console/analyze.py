"""`parley analyze`: sentiment, intent and language of texts, by the model that the pipeline uses."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from console.printing import cell, json_line
from console.texts import BadRow, read_texts
from infra import settings

_AT_ONCE = 1024


def analyze(
    file: Annotated[
        Path, typer.Argument(help=".tsv, .csv, .jsonl or plain lines; standard input without it")
    ] = Path("-"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a text.")] = False,
) -> None:
    """Labels each text of a file; a row that holds none is named and passed over."""
    from console.compose import load_analyzer  # heavy: the model's libraries

    analyzer = load_analyzer(settings.load())
    rows = read_texts(file)
    while chunk := list(islice(rows, _AT_ONCE)):
        texts = list(_texts(chunk))
        found = analyzer.analyze(texts)
        table = Table("Text", "Sentiment", "Intent", "Language", box=None, show_header=not as_json)
        for text, result in zip(texts, found, strict=True):
            if as_json:
                labels = {
                    "text": text,
                    "sentiment": result.sentiment,
                    "sentiment_scores": {name: round(by, 4) for name, by in result.sentiment_scores.items()},
                    "intent": result.intent,
                    "intent_scores": {name: round(by, 4) for name, by in result.intent_scores.items()},
                    "language": result.language,
                }
                print(json_line(labels))
            else:
                table.add_row(
                    cell(text[:100]),
                    f"{result.sentiment} {result.sentiment_scores[result.sentiment]:.2f}",
                    f"{result.intent} {result.intent_scores[result.intent]:.2f}",
                    result.language,
                )
        if not as_json:
            Console().print(table)


def _texts(rows: list[str | BadRow]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, BadRow):
            typer.echo(f"parley: row {row.number} passed over: {row.reason}", err=True)
        else:
            yield row
