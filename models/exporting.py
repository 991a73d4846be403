"""Turns a Hugging Face sequence-classification model into a model folder: ONNX, int8, checked against itself.

Needs the extra `export` (torch, transformers, optimum-onnx); what comes out needs none of it. A model answers
one task; the shipped model gives the other one, see `models.analyzer`.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.normalise import VERSION, normalise
from models.registry import HEADS, ModelError, read_manifest, write_manifest
from models.session import Array, Session
from models.verifying import answers

_LABEL = re.compile(r"label_(\d+)", re.IGNORECASE)
_SYNONYMS = {"neg": "negative", "neu": "neutral", "pos": "positive"}
_MOST_TEXTS = 200


class ExportRefused(ModelError):
    """The model cannot be turned into one of Parley's; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported: a model's name on the hub or its folder, the task that it answers, and its name here.

    `labels` maps its labels to Parley's where the names differ; several of them may mean one of Parley's.
    """

    model: str
    task: str
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def export_model(
    source: Source, folder: Path, *, texts: Sequence[str] | None = None, tolerance: float = 0.03
) -> dict[str, Any]:
    """Export into `folder` under the model's name, and say what it has become.

    The int8 file's scores must be within `tolerance` of the original's on `texts` (the project's held-out
    comments where None), as the mean over texts of the largest difference of a score; the plain ONNX file's
    within 0.001. Nothing is left behind where a check fails. Raises `ExportRefused`.
    """
    if source.task not in HEADS:
        raise ExportRefused(f"there is no task {source.task!r}; tasks: {', '.join(HEADS)}")
    name = source.name or re.sub(r"[^a-z0-9.]+", "-", source.model.rstrip("/").split("/")[-1].lower()).strip(
        "-"
    )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ExportRefused(f"{name!r} is no name for a folder; give one with --name")
    if (folder / name).exists():
        raise ExportRefused(f"{folder / name} is there already; give another --name or remove it")
    original = _Original(source)
    sample = [normalise(text) for text in texts or _own_texts()]
    sample = [text for text in sample if text][:_MOST_TEXTS]
    expected = original.scores(sample)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as work:
        plain, made = Path(work) / "plain", Path(work) / name
        original.write_onnx(plain)
        made.mkdir()
        shutil.copyfile(plain / "tokenizer.json", made / "tokenizer.json")
        shutil.copyfile(plain / "model.onnx", made / "model.onnx")
        content = original.manifest(name)
        unrounded = _difference(made, content, sample, expected)
        if unrounded > 0.001:
            raise ExportRefused(
                f"{source.model}: its ONNX file's scores differ from the original's by {unrounded:.4f}; "
                "this architecture is not exported faithfully"
            )
        _quantize(plain, made / "model.onnx")
        rounded = _difference(made, content, sample, expected)
        if rounded > tolerance:
            raise ExportRefused(
                f"{source.model}: in int8 its scores differ by {rounded:.4f} on average, more than the "
                f"tolerance of {tolerance}; allow more with --tolerance, or use another model"
            )
        content["known"] = answers(Session(write_manifest(made, content), 1))
        manifest = write_manifest(made, content)
        agree = _agreement(made, sample, expected)
        made.rename(folder / name)
    return {
        "name": name,
        "folder": str(folder / name),
        "hash": manifest.hash,
        "labels": content["labels"],
        "texts": len(sample),
        "difference_onnx": round(unrounded, 6),
        "difference_int8": round(rounded, 4),
        "tolerance": tolerance,
        "same_label": agree,
        "megabytes": round((folder / name / "model.onnx").stat().st_size / 1e6, 1),
    }


class _Original:
    """The model as transformers runs it."""

    def __init__(self, source: Source) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._source = source
        try:
            self._model = AutoModelForSequenceClassification.from_pretrained(source.model).eval()
            self._tokenizer = AutoTokenizer.from_pretrained(source.model, use_fast=True)
        except Exception as error:  # transformers raises whatever the files lead it to
            said = (str(error).splitlines() or [""])[0]
            raise ExportRefused(f"{source.model} does not load: {type(error).__name__}: {said}") from error
        if not self._tokenizer.is_fast:
            raise ExportRefused(f"{source.model} has no tokenizer.json, which the runtime reads")
        config = self._model.config
        self.labels = _labels(source, {int(k): str(v) for k, v in config.id2label.items()})
        # RoBERTa's positions begin after the padding's
        room = getattr(config, "max_position_embeddings", 512) - 2
        self.max_tokens = min(128, room)

    def scores(self, texts: Sequence[str]) -> Array:
        """(n, labels) probabilities, one text at a time."""
        import torch

        found = []
        with torch.inference_mode():
            for text in texts:
                given = self._tokenizer(
                    text, return_tensors="pt", truncation=True, max_length=self.max_tokens
                )
                found.append(torch.softmax(self._model(**given).logits[0].float(), -1).numpy())
        return np.array(found, np.float32)

    def write_onnx(self, folder: Path) -> None:
        """`model.onnx` and `tokenizer.json` in `folder`, in 32 bits."""
        from optimum.exporters.onnx import onnx_export_from_model

        onnx_export_from_model(
            self._model, output=folder, task="text-classification", do_validation=False, no_post_process=True
        )
        self._tokenizer.save_pretrained(folder)
        # lengths are the runtime's affair: it cuts and pads batches itself
        from tokenizers import Tokenizer

        plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
        plain.no_truncation()
        plain.no_padding()
        plain.save(str(folder / "tokenizer.json"))

    def manifest(self, name: str) -> dict[str, Any]:
        """The manifest's content; what the graph takes is read from it when it is written."""
        return {
            "name": name,
            "source": self._source.model,
            "model": "model.onnx",
            "tokenizer": "tokenizer.json",
            "labels": {self._source.task: self.labels},
            "max_tokens": self.max_tokens,
            "normaliser": VERSION,
            "temperatures": {},
            "thresholds": {},
            "inputs": [each for each in self._tokenizer.model_input_names if self._takes(each)],
            "pad": self._tokenizer.pad_token_id or 0,
            "unknown": self._tokenizer.unk_token_id,
        }

    def _takes(self, name: str) -> bool:
        return name != "token_type_ids" or getattr(self._model.config, "type_vocab_size", 0) > 1


def _labels(source: Source, theirs: Mapping[int, str]) -> list[str]:
    """Parley's label of each output column."""
    ours = HEADS[source.task]
    given = {key.casefold(): value for key, value in source.labels.items()}
    found = []
    for column in range(len(theirs)):
        name = theirs[column].casefold()
        label = given.get(name, _SYNONYMS.get(name, name))
        if (match := _LABEL.fullmatch(label)) and len(theirs) == len(ours) == 3:
            label = ours[int(match[1])]  # unnamed: cardiffnlp's older models mean this order by it
        if label not in ours:
            raise ExportRefused(
                f"{source.model} has the label {theirs[column]!r}, which is none of {', '.join(ours)}; "
                f"say what it means with --label {theirs[column]}=LABEL"
            )
        found.append(label)
    if len(set(found)) < 2:
        raise ExportRefused(f"{source.model} tells no two of {', '.join(ours)} apart")
    return found


def _quantize(plain: Path, target: Path) -> None:
    """int8 weights with a scale for each column; activations by batch."""
    from optimum.onnxruntime import ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    # 7 bits, so that processors without VNNI do not saturate
    how = AutoQuantizationConfig.avx2(is_static=False, per_channel=True, reduce_range=True)
    with tempfile.TemporaryDirectory(dir=plain) as work:
        ORTQuantizer.from_pretrained(plain, file_name="model.onnx").quantize(
            save_dir=work, quantization_config=how
        )
        (made,) = Path(work).glob("*.onnx")
        shutil.copyfile(made, target)


def _run(made: Path, texts: Sequence[str]) -> Array:
    found = Session(read_manifest(made)).run(texts)
    (logits,) = found.logits.values()
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _difference(made: Path, content: dict[str, Any], texts: Sequence[str], expected: Array) -> float:
    write_manifest(made, content)
    return float(np.abs(_run(made, texts) - expected).max(axis=1).mean())


def _agreement(made: Path, texts: Sequence[str], expected: Array) -> float:
    return round(float((_run(made, texts).argmax(1) == expected.argmax(1)).mean()), 4)


def _own_texts() -> list[str]:
    from models.training.data import comments

    return [example.text for example in comments("heldout")]
