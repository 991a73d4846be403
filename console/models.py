"""`parley models`: the models that are there, whether they work, how good they are, and where they differ."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from console.model_comparison import compare
from console.model_folders import find_model, model_folders
from console.printing import cell, json_line
from infra import settings
from models.registry import MANIFEST, ModelError, names, read_manifest
from schemas.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="The models that label comments.")
app.command("compare")(compare)

_STEPS: Final = ("base", "minilm", "train", "distil", "soup", "export", "left_out")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[str | None, typer.Option(help="A model's name, NAME@HASH, or folder; the shipped one.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """Lists the models that can be named, and which of them is in use."""
    known = settings.load()
    used = find_model(None, known).resolve()
    table = Table("Model", "Hash", "Answers", "MB", "Folder", "", box=None)
    for folder in model_folders(known):
        for name in names(folder):
            place = folder / name
            row: dict[str, Any] = {"name": name, "folder": str(place), "in_use": place.resolve() == used}
            try:
                manifest = read_manifest(place)
                size = sum(file.stat().st_size for file in place.iterdir() if file.name != MANIFEST)
                row |= {"hash": manifest.hash, "heads": list(manifest.heads), "bytes": size}
            except ModelError as error:
                row["error"] = str(error)
            if as_json:
                print(json_line(row))
            table.add_row(
                name,
                row.get("hash", "")[:12],
                ", ".join(row.get("heads", [])),
                f"{row.get('bytes', 0) / 1e6:.1f}",
                cell(place),
                cell(row.get("error") or ("in use" if row["in_use"] else "")),
            )
    if not as_json:
        Console().print(table)


@app.command()
def verify(model: Model = None, as_json: Json = False) -> None:
    """Checks a model's files, labels, tokenizer and known answers; the one in use where none is named."""
    from models.verifying import verify as check

    folder = find_model(model, settings.load())
    said = check(folder)
    if as_json:
        print(json_line({"folder": str(folder), "checked": said}))
        return
    for line in said:
        print(line)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder with sentiment-en and sentiment-multilingual.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Prints a model's figures: recall and F1, calibration, emoji rules, on validation and held-out texts."""
    from models.analyzer import Analyzer
    from models.evaluation import evaluate as figures

    known = settings.load()
    analyzer = Analyzer.load(find_model(model, known), threads=known.model_threads, cache_texts=0)
    print(json_line(figures(analyzer, data), indent=None if as_json else 2))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    step: Annotated[str, typer.Argument(help=f"One of {', '.join(_STEPS)}.")],
) -> None:
    """Runs a step of training with its own options; models/training/README.md gives them in order."""
    if step not in _STEPS:
        raise ConfigurationError(f"There is no step {step!r}. Steps: {', '.join(_STEPS)}.")
    needs_export_extra("Training")
    done = subprocess.run([sys.executable, "-m", f"models.training.{step}", *context.args], check=False)
    raise typer.Exit(done.returncode)


@app.command()
def export(
    source: Annotated[
        str, typer.Option("--from", help="A Hugging Face model's name, or the folder of one saved here.")
    ],
    task: Annotated[str, typer.Option(help="What it answers: sentiment or intent.")],
    name: Annotated[str | None, typer.Option(help="Its name here; made from --from without it.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="THEIRS=OURS, for labels of other names; may be repeated.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(help="Texts on which both are compared; the project's own without it.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="Largest mean difference of a score between original and export.", min=0)
    ] = 0.03,
    out: Annotated[
        Path | None, typer.Option(help="Folder of models; in the state folder without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Turns a sequence-classification model into one that Parley loads: ONNX, int8, checked, registered."""
    from console.texts import read_texts

    needs_export_extra("`parley models export`")
    from models.exporting import Source, export_model

    pairs = {theirs: ours for theirs, _, ours in (item.partition("=") for item in label or [])}
    chosen = [row for row in read_texts(texts) if isinstance(row, str)] if texts else None
    folder = out or settings.load().state_dir / "models"
    found = export_model(
        Source(source, task, name, pairs),
        folder,
        texts=chosen,
        tolerance=tolerance,
    )
    if as_json:
        print(json_line(found))
        return
    for what, value in found.items():
        print(f"{what}: {value}")
    print(f"Use it: PARLEY_MODEL_DIR={found['name']}, or beside the other: PARLEY_SHADOW_MODEL_DIR")


def needs_export_extra(what: str) -> None:
    """Raises ConfigurationError that says how to install it, where torch and its kin are not there."""
    missing = [name for name in ("torch", "transformers", "optimum", "onnx") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"{what} needs {', '.join(missing)}, which labelling comments does not. In an environment of its "
            "own: pip install --require-hashes -r requirements-export.lock, then pip install --no-deps -e . "
            "(`make test-export` makes one in .venv-export-ci)."
        )
