"""The bar that is drawn while Kafka's jars are fetched for the first time."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def download_bar() -> Iterator[Progress]:
    """A bar on standard error, gone when it is done; plain output shows nothing."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("[bold]Fetching {task.description} (once)"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        yield bar
