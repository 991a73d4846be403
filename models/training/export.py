"""Turns a trained encoder into a model folder: quantized ONNX, tokenizer, calibration, checksums."""

import argparse
import hashlib
import json
import random
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer

from models.normalise import VERSION, normalise
from models.registry import MANIFEST, Manifest
from models.session import Session
from models.training import data
from models.training.augment import emoji_items
from models.training.batches import encode
from models.training.encoder import Encoder
from models.training.graph import Precision, build
from models.training.packed import Array
from models.training.quality import Labels, intents, moods, softmax
from models.training.ranges import measure_ranges
from schemas.labels import Intent, Sentiment

MAX_TOKENS = 128
_OTHER = data.INTENTS.index(Intent.OTHER)


def calibration_set(folder: Path) -> list[data.Example]:
    """Half of the validation texts and held-out comments; `quality` reports calibration on the other half."""
    english, several = data.english_sentiment(folder, "val"), data.multilingual_sentiment(folder, "val")
    return data.set_aside(english + several + data.comments("heldout"), 2)[1]


def temperature(logits: Array, true: Labels) -> float:
    """The temperature of least negative log likelihood, on a grid (Guo et al. 2017)."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(4.0), 120))
    losses = [
        -np.log(
            np.maximum(softmax(np.asarray(logits / t, np.float32))[np.arange(len(true)), true], 1e-9)
        ).mean()
        for t in grid
    ]
    return round(float(grid[int(np.argmin(losses))]), 3)


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
    draft = Manifest(out.name, out, out / "model.onnx", out / "tokenizer.json", "", MAX_TOKENS, 1.0, 1.0, 0.0)
    examples = calibration_set(folder)
    scores = Session(draft).run([normalise(e.text) for e in examples])
    feels, wants = moods(examples), intents(examples)
    felt, wanted = feels >= 0, wants >= 0
    heat = temperature(scores.intent[wanted], wants[wanted])
    manifest: dict[str, object] = {
        "name": out.name,
        "model": "model.onnx",
        "tokenizer": "tokenizer.json",
        "labels": {"sentiment": list(map(str, Sentiment)), "intent": list(map(str, Intent))},
        "max_tokens": MAX_TOKENS,
        "normaliser": VERSION,
        "temperatures": {"sentiment": temperature(scores.sentiment[felt], feels[felt]), "intent": heat},
        "thresholds": {
            "intent": threshold(softmax(np.asarray(scores.intent[wanted] / heat, np.float32)), wants[wanted])
        },
        "files": {
            n: hashlib.sha256((out / n).read_bytes()).hexdigest() for n in ("model.onnx", "tokenizer.json")
        },
    }
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
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
