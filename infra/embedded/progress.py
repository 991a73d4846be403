"""The bar that is drawn while Kafka's jars are fetched for the first time."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def download_bar() -> Progress:
    """A bar on standard error; not yet drawn. Where that is no terminal, its last state is one plain line."""
    return Progress(
        TextColumn("Fetching {task.description} (only once)"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
