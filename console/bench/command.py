"""`parley bench [NAME]`: speed, as ratios taken in one run on one machine."""

import importlib
import json
from collections.abc import Callable
from typing import Annotated, Final

import typer

from schemas.errors import ConfigurationError

BENCHES: Final[dict[str, str]] = {
    "codec": "console.bench.codec:measure",
    "runner": "console.bench.runner:measure",
    "models": "console.bench.models:measure",
    "window": "console.bench.window:measure",
    "drafting": "console.bench.drafting:measure",
    "webhook": "console.bench.webhook:measure",
    "what-if": "console.bench.what_if:measure",
}
"""Each benchmark and where it is: a function without arguments that gives figures by their names."""


def bench(
    name: Annotated[str | None, typer.Argument(help=f"One of {', '.join(BENCHES)}; all without it.")] = None,
    roberta: Annotated[
        str | None, typer.Option(help="For models: a Python with torch and transformers, to compare with.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measures speed and prints figures and ratios."""
    if name is not None and name not in BENCHES:
        raise ConfigurationError(f"There is no benchmark {name!r}. Benchmarks: {', '.join(BENCHES)}.")
    given: dict[str, dict[str, str]] = {"models": {"roberta": roberta}} if roberta else {}
    found = {
        each: _measure(place)(**given.get(each, {}))
        for each, place in BENCHES.items()
        if name in (None, each)
    }
    if as_json:
        print(json.dumps(found))
        return
    for each, figures in found.items():
        print(each)
        for what, figure in figures.items():
            print(f"  {what:42} " + (figure if isinstance(figure, str) else f"{figure:>12,.2f}"))


def _measure(place: str) -> Callable[..., dict[str, float | str]]:
    module, _, function = place.partition(":")
    measure: Callable[..., dict[str, float | str]] = getattr(importlib.import_module(module), function)
    return measure
