"""Model folders: what is in one, and the checks before it may label a comment.

A folder holds `manifest.json` and the files it names, each with its sha256. A model that is damaged, has
other labels, or was trained with another text cleaning is refused at the start, never half used.

    ConfigurationError
    └── ModelError              a model's folder or file cannot be used
        ├── ModelMissing        no folder, no manifest, or a file of it is not there
        ├── ModelDamaged        a checksum or the manifest's form is wrong
        └── ModelIncompatible   other labels, or another version of the text cleaning
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.normalise import VERSION
from schemas.errors import ConfigurationError
from schemas.labels import Intent, Sentiment

MANIFEST = "manifest.json"
WEIGHTS = Path(__file__).parent / "weights"
"""Where the shipped models lie, one folder each."""

SHIPPED = "parley-e5-s"
"""The model that labels comments where no other one is named."""

HEADS: dict[str, list[str]] = {"sentiment": list(map(str, Sentiment)), "intent": list(map(str, Intent))}
"""The tasks a model may have a head for, and Parley's labels for each in their order."""


class ModelError(ConfigurationError):
    """A model cannot be used; the message names the model, the file and what to do."""


class ModelMissing(ModelError):
    """The folder, its manifest or a file that the manifest names is not there."""


class ModelDamaged(ModelError):
    """A file's checksum or the manifest's form is wrong."""


class ModelIncompatible(ModelError):
    """The model answers with other labels than Parley's, or reads text cleaned otherwise."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says, checked.

    `labels` gives, for each head that the model has, the label of each of its output columns; the shipped
    model has both heads with all of Parley's labels in order. Temperatures divide logits before the softmax;
    the sentiment's is ``sentiment_temperature * exp(-sentiment_surer * c)``, c the top score of intent. Below
    `intent_threshold` (a probability) the intent is `other`. `hash` is the sha256 of the ONNX file in hex.
    `pad` and `unknown` are token ids. `inputs` says what the graph takes: "ids" alone, or a Hugging Face
    model's "input_ids" with "attention_mask" (and "token_type_ids"), whose one output is "logits".
    """

    name: str
    folder: Path
    model: Path
    tokenizer: Path
    hash: str
    max_tokens: int
    sentiment_temperature: float = 1.0
    intent_temperature: float = 1.0
    intent_threshold: float = 0.0
    sentiment_surer: float = 0.0
    labels: Mapping[str, Sequence[str]] = field(default_factory=lambda: HEADS)
    inputs: tuple[str, ...] = ("ids",)
    pad: int = 1
    unknown: int | None = 3

    @property
    def heads(self) -> tuple[str, ...]:
        """The tasks that the model answers: sentiment, intent, or both."""
        return tuple(self.labels)

    @property
    def complete(self) -> bool:
        """True for a model that needs no other one beside it."""
        return set(self.labels) == set(HEADS)


def names(folder: Path = WEIGHTS) -> list[str]:
    """The models in `folder`, sorted; one that would not load is listed too."""
    return sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))


def read_manifest(folder: Path) -> Manifest:
    """Read and verify the model in `folder`: files there, checksums right, labels Parley's.

    Raises `ModelMissing`, `ModelDamaged` or `ModelIncompatible`.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelMissing(
            f"no model in {folder}: {MANIFEST} is not there; see `parley models list`"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{path} cannot be read: {error}; restore the folder from the release") from error
    try:
        manifest = _parse(content, folder)
        labels, version = content["labels"], content["normaliser"]
        sums = {str(name): str(digest) for name, digest in content["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelDamaged(
            f"{path} lacks or misstates {error}; restore the folder from the release"
        ) from error
    _check_labels(manifest, labels)
    if version != VERSION:
        raise ModelIncompatible(
            f"model {manifest.name} was trained on texts cleaned by version {version}, "
            f"this Parley cleans by {VERSION}; train it again or use another model"
        )
    for file, digest in sums.items():
        _verify(manifest.name, folder / file, digest)
    return manifest


def _check_labels(manifest: Manifest, labels: Mapping[str, Sequence[str]]) -> None:
    """A model of Parley's own has both heads in order; one from elsewhere has one, its columns named."""
    foreign = manifest.inputs != ("ids",)
    fits = labels == HEADS
    if foreign and len(labels) == 1:
        ((task, columns),) = labels.items()
        fits = task in HEADS and set(columns) <= set(HEADS[task]) and len(columns) > 1
    if not fits:
        raise ModelIncompatible(
            f"model {manifest.name} answers with {dict(labels)}, Parley needs {HEADS} in this order"
            + (", or one of the two" if foreign else "")
        )


def find(model: Path | str | None, folders: Sequence[Path] = (WEIGHTS,)) -> Path:
    """The folder of a model given as a path, as its name, or as NAME@HASH where HASH begins its hash.

    `folders` are searched for names, in order. None is the shipped model. Raises `ModelMissing` where there
    is none of that name, and `ModelIncompatible` where its hash is another.
    """
    if model is None:
        return WEIGHTS / SHIPPED
    if (Path(model) / MANIFEST).is_file() or len(Path(model).parts) > 1:
        return Path(model)
    name, _, digest = str(model).partition("@")
    for folder in folders:
        if (folder / name / MANIFEST).is_file():
            found = read_manifest(folder / name).hash
            if not found.startswith(digest):
                raise ModelIncompatible(
                    f"model {name} in {folder} has the hash {found}, not {digest}; see `parley models list`"
                )
            return folder / name
    known = sorted({each for folder in folders for each in names(folder)})
    raise ModelMissing(f"there is no model {name!r}; models: {', '.join(known)}, or give a folder's path")


def _parse(content: dict[str, Any], folder: Path) -> Manifest:
    model, tokenizer = str(content["model"]), str(content["tokenizer"])
    temperatures, labels = content["temperatures"], content["labels"]
    inputs = tuple(map(str, content.get("inputs", ("ids",))))
    manifest = Manifest(
        name=str(content["name"]),
        folder=folder,
        model=folder / model,
        tokenizer=folder / tokenizer,
        hash=str(content["files"][model]),
        max_tokens=int(content["max_tokens"]),
        sentiment_temperature=float(temperatures.get("sentiment", 1.0)),
        sentiment_surer=float(temperatures.get("sentiment_surer", 0.0)),
        intent_temperature=float(temperatures.get("intent", 1.0)),
        intent_threshold=float(content["thresholds"].get("intent", 0.0)),
        labels={task: tuple(map(str, labels[task])) for task in HEADS if task in labels},
        inputs=inputs,
        pad=int(content.get("pad", 1)),
        unknown=content.get("unknown", 3 if inputs == ("ids",) else None),
    )
    if tokenizer not in content["files"] or "/" in model + tokenizer:
        raise ValueError("the list of files")
    numbers = (manifest.sentiment_temperature, manifest.intent_temperature, manifest.max_tokens - 2)
    if not all(math.isfinite(number) and number > 0 for number in numbers):
        raise ValueError("temperatures or max_tokens")
    return manifest


def write_manifest(folder: Path, content: dict[str, Any]) -> Manifest:
    """Write `manifest.json` for the files that lie in `folder`, with their checksums, and read it back."""
    files = (content["model"], content["tokenizer"])
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    (folder / MANIFEST).write_text(json.dumps({**content, "files": sums}, indent=2) + "\n", "utf-8")
    return read_manifest(folder)


def _verify(name: str, path: Path, digest: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelMissing(f"model {name}: {path} cannot be read: {error.strerror}") from error
    if found != digest:
        raise ModelDamaged(
            f"model {name}: {path} has sha256 {found}, its manifest says {digest}; "
            "restore the file from the release"
        )
