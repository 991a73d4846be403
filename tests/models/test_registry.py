"""A model that cannot be trusted is refused with an error that says what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.analyzer import DEFAULT_MODEL
from models.registry import (
    MANIFEST,
    ModelDamaged,
    ModelError,
    ModelIncompatible,
    ModelMissing,
    names,
    read_manifest,
)
from models.session import Session
from schemas.errors import ConfigurationError

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model that a test may break."""
    copy = tmp_path / DEFAULT_MODEL.name
    shutil.copytree(DEFAULT_MODEL, copy)
    return copy


def edit(folder: Path, change: Change) -> None:
    path = folder / MANIFEST
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def test_the_shipped_model_verifies_and_is_listed() -> None:
    manifest = read_manifest(DEFAULT_MODEL)
    assert manifest.name in names()
    assert len(manifest.hash) == 64


def test_the_shipped_model_is_small_enough_to_commit() -> None:
    assert sum(path.stat().st_size for path in DEFAULT_MODEL.iterdir()) < 40e6


def test_a_folder_without_a_model_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=MANIFEST):
        read_manifest(tmp_path / "nothing")


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelMissing, match=file):
        read_manifest(folder)


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_damaged(folder: Path, file: str) -> None:
    with (folder / file).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(ModelDamaged, match="sha256"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("labels"),
        lambda c: c.pop("files"),
        lambda c: c.update(temperatures={"sentiment": 0, "intent": 1}),
        lambda c: c.update(max_tokens="many"),
        lambda c: c.update(model="../other/model.onnx"),
    ],
)
def test_a_manifest_that_lacks_or_misstates_something_is_damaged(folder: Path, change: Change) -> None:
    edit(folder, change)
    with pytest.raises(ModelDamaged):
        read_manifest(folder)


def test_a_manifest_that_is_no_json_is_damaged(folder: Path) -> None:
    (folder / MANIFEST).write_text("{", "utf-8")
    with pytest.raises(ModelDamaged, match="cannot be read"):
        read_manifest(folder)


def test_other_labels_are_incompatible(folder: Path) -> None:
    edit(folder, lambda c: c["labels"]["intent"].reverse())
    with pytest.raises(ModelIncompatible, match="answers with"):
        read_manifest(folder)


def test_another_text_cleaning_is_incompatible(folder: Path) -> None:
    edit(folder, lambda c: c.update(normaliser=0))
    with pytest.raises(ModelIncompatible, match="cleaned by"):
        read_manifest(folder)


def test_a_file_that_is_no_model_is_damaged_even_with_its_checksum(folder: Path) -> None:
    manifest = read_manifest(folder)
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelDamaged, match="does not load"):
        Session(manifest)


def test_every_refusal_stops_the_start_as_a_wrong_configuration() -> None:
    assert all(issubclass(e, ModelError) for e in (ModelMissing, ModelDamaged, ModelIncompatible))
    assert issubclass(ModelError, ConfigurationError)
