"""Turns a trained encoder into a model folder: quantized ONNX, tokenizer, calibration, checksums."""

import argparse
import json
import random
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer

from models.normalise import VERSION, normalise
from models.registry import HEADS, Manifest, write_manifest
from models.session import Session
from models.training import data
from models.training.augment import emoji_items
from models.training.batches import encode
from models.training.encoder import Encoder
from models.training.graph import Precision, build
from models.training.packed import Array
from models.training.quality import Labels, intents, moods, softmax
from models.training.ranges import measure_ranges
from models.verifying import answers
from schemas.labels import Intent

MAX_TOKENS = 128
_OTHER = data.INTENTS.index(Intent.OTHER)


_SETS = ("sentiment-en", "umsab", "comments")


def calibration_set(folder: Path) -> list[data.Example]:
    """Validation texts and held-out comments: sentiment's two numbers are fitted on them after training, and
    intent's temperature and threshold on half of the comments."""
    english, several = data.english_sentiment(folder, "val"), data.multilingual_sentiment(folder, "val")
    return english + several + data.comments("heldout")


def temperature(logits: Array, true: Labels) -> float:
    """The temperature of least negative log likelihood, on a grid (Guo et al. 2017)."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(4.0), 120))
    losses = [_surprise(logits / t, true).mean() for t in grid]
    return round(float(grid[int(np.argmin(losses))]), 3)


def mood_temperature(logits: Array, true: Labels, sure: Array, sources: list[str]) -> tuple[float, float]:
    """(base, surer) of sentiment's temperature ``base * exp(-surer * sure)``, on a grid.

    `sure` is the top score of intent: what reads like a comment to a brand is told better than a tweet at
    large. The sets count alike, however many texts they have. Gives least mean negative log likelihood.
    """
    parts = [np.array([source.startswith(name) for source in sources]) for name in _SETS]
    best, found = np.inf, (1.0, 0.0)
    for base in np.arange(0.6, 4.01, 0.1):  # finer steps would follow chance
        for surer in np.arange(0.0, 1.61, 0.05):
            losses = _surprise(logits / (base * np.exp(-surer * sure))[:, None], true)
            loss = sum(losses[part].mean() for part in parts if part.any())
            if loss < best:
                best, found = loss, (round(float(base), 3), round(float(surer), 3))
    return found


def _surprise(logits: Array, true: Labels) -> Array:
    scores = softmax(np.asarray(logits, np.float32))
    return np.asarray(-np.log(np.maximum(scores[np.arange(len(true)), true], 1e-9)), np.float32)


def range_texts(folder: Path) -> list[str]:
    """Texts of training that show how large activations get: tweets, own comments, emoji."""
    english, several = data.english_sentiment(folder, "train"), data.multilingual_sentiment(folder, "train")
    return [
        e.text for e in several[::12] + english[::60] + data.comments()[::4] + emoji_items(random.Random(1))
    ]


def threshold(scores: Array, true: Labels) -> float:
    """The intent score below which `other` is the better answer, by macro F1; 0.3 to 0.5."""
    best, found = -1.0, 0.3
    for level in np.arange(0.30, 0.51, 0.02):
        said = np.where(scores.max(1) >= level, scores.argmax(1), _OTHER)
        right = float((said == true).mean())
        if right > best + 1e-9:
            best, found = right, float(level)
    return round(found, 2)


def write_folder(proto: onnx.ModelProto, tokenizer: Path, out: Path, folder: Path) -> dict[str, object]:
    """Write the model folder `out` and give its manifest; calibrates on texts of `folder` set aside."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(proto.SerializeToString())
    if tokenizer.resolve() != (out / "tokenizer.json").resolve():
        shutil.copyfile(tokenizer, out / "tokenizer.json")
    draft = Manifest(out.name, out, out / "model.onnx", out / "tokenizer.json", "", MAX_TOKENS)
    examples = calibration_set(folder)
    scores = Session(draft).run([normalise(e.text) for e in examples])
    feels, wants = moods(examples), intents(examples)
    felt, wanted = feels >= 0, wants >= 0
    aside = set(map(id, data.set_aside(examples, 2)[1]))
    half = np.array([id(e) in aside for e in examples]) & wanted
    heat = temperature(scores.logits["intent"][half], wants[half])
    sure = softmax(np.asarray(scores.logits["intent"] / heat, np.float32)).max(1)
    sources = [e.source for e, known in zip(examples, felt, strict=True) if known]
    base, surer = mood_temperature(scores.logits["sentiment"][felt], feels[felt], sure[felt], sources)
    chances = softmax(np.asarray(scores.logits["intent"][half] / heat, np.float32))
    manifest: dict[str, object] = {
        "name": out.name,
        "model": "model.onnx",
        "tokenizer": "tokenizer.json",
        "labels": HEADS,
        "max_tokens": MAX_TOKENS,
        "normaliser": VERSION,
        "temperatures": {"sentiment": base, "sentiment_surer": surer, "intent": heat},
        "thresholds": {"intent": threshold(chances, wants[half])},
    }
    known = answers(Session(write_manifest(out, manifest)))
    write_manifest(out, {**manifest, "known": known})
    return manifest


def same_length(ids: list[list[int]], most: int = 64) -> list[list[list[int]]]:
    """Group token ids into batches of equal length, at most `most` texts each, so that nothing is padded."""
    groups: dict[int, list[list[int]]] = {}
    for sequence in ids:
        groups.setdefault(len(sequence), []).append(sequence)
    return [group[:most] for group in groups.values()]


def main() -> None:
    """Quantize, calibrate and write a model folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="trained weights (.pt)")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="models/weights/NAME")
    parser.add_argument("--kind", choices=("float", "dynamic", "static"), default="static")
    parser.add_argument("--levels", type=int, default=63)
    args = parser.parse_args()
    model: Encoder = torch.load(args.model, weights_only=False)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    ranges = {}
    if args.kind == "static":
        ranges = measure_ranges(model, same_length(encode(tokenizer, range_texts(args.data))))
    proto = build(model, Precision(args.kind, args.levels, ranges))
    print(json.dumps(write_folder(proto, args.tokenizer, args.out, args.data), indent=2))


if __name__ == "__main__":
    main()
