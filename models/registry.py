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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.normalise import VERSION
from schemas.errors import ConfigurationError
from schemas.labels import Intent, Sentiment

MANIFEST = "manifest.json"
WEIGHTS = Path(__file__).parent / "weights"
"""Where the shipped models lie, one folder each."""


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

    Temperatures divide logits before the softmax. Below `intent_threshold` (a probability) the intent is
    `other`. `hash` is the sha256 of the ONNX file in hex.
    """

    name: str
    folder: Path
    model: Path
    tokenizer: Path
    hash: str
    max_tokens: int
    sentiment_temperature: float
    intent_temperature: float
    intent_threshold: float


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
        wanted = {"sentiment": list(map(str, Sentiment)), "intent": list(map(str, Intent))}
        labels, version = content["labels"], content["normaliser"]
        sums = {str(name): str(digest) for name, digest in content["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelDamaged(
            f"{path} lacks or misstates {error}; restore the folder from the release"
        ) from error
    if labels != wanted:
        raise ModelIncompatible(
            f"model {manifest.name} answers with {labels}, Parley needs {wanted} in this order"
        )
    if version != VERSION:
        raise ModelIncompatible(
            f"model {manifest.name} was trained on texts cleaned by version {version}, "
            f"this Parley cleans by {VERSION}; train it again or use another model"
        )
    for file, digest in sums.items():
        _verify(manifest.name, folder / file, digest)
    return manifest


def _parse(content: dict[str, Any], folder: Path) -> Manifest:
    model, tokenizer = str(content["model"]), str(content["tokenizer"])
    manifest = Manifest(
        name=str(content["name"]),
        folder=folder,
        model=folder / model,
        tokenizer=folder / tokenizer,
        hash=str(content["files"][model]),
        max_tokens=int(content["max_tokens"]),
        sentiment_temperature=float(content["temperatures"]["sentiment"]),
        intent_temperature=float(content["temperatures"]["intent"]),
        intent_threshold=float(content["thresholds"]["intent"]),
    )
    if tokenizer not in content["files"] or "/" in model + tokenizer:
        raise ValueError("the list of files")
    if not (
        manifest.sentiment_temperature > 0 and manifest.intent_temperature > 0 and manifest.max_tokens > 2
    ):
        raise ValueError("temperatures or max_tokens")
    return manifest


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
