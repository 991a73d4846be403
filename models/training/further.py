"""Gathers further English tweets and comments without labels, for teachers to answer (`distil --tweets`).

Reads checkouts of the repositories that MODEL_CARD.md names. TweetEval's sentiment task is left alone: its
test texts are what models are compared on. Texts of the training, validation and held-out sets are left out.
"""

import argparse
import csv
import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from models.normalise import normalise
from models.training import data

_TASKS = {"emoji": 30_000, "emotion": 9_000, "hate": 15_000, "irony": 9_000, "offensive": 16_000,
          "stance": 9_000}  # fmt: skip
"""Most texts of each task of TweetEval. Those of the emoji task are mostly glad."""
_STREAMS = ("gurez", "ile", "palm", "rigo")
_MASKS = re.compile(r"@user|http\S*|\[\w+\]|[^a-z0-9]")
_RETWEET = re.compile(r"^(?:[\s!\"“]*RT @\w+:?\s*)+")
_CUT_OFF = re.compile(r"(?:\S*…|https?://\S{0,12})\s*$")
_FEWEST = 8
"""Letters and digits of a text worth asking about."""


def sources(folder: Path) -> Iterator[tuple[str, int, list[str]]]:
    """(name, most texts, raw texts) from the checkouts in `folder`, each under its repository's name."""
    for task, most in _TASKS.items():
        files = sorted((folder / "tweeteval/datasets" / task).rglob("*_text.txt"))
        yield task, most, [line for file in files for line in _lines(file)]
    raw = folder / "emerging_entities_17/source/raw_data"
    for name in _STREAMS:
        yield name, 9_000, _lines(raw / f"{name}.10000")
    yield "youtube", 16_000, _lines(raw / "yt-filter")
    corpus = sorted((folder / "broad_twitter_corpus").glob("[a-h].json"))
    yield "broad", 20_000, [json.loads(line)["text"] for file in corpus for line in _lines(file) if line]
    with (folder / "hate-speech-and-offensive-language/data/labeled_data.csv").open(encoding="utf-8") as file:
        yield "davidson", 9_000, [row["tweet"] for row in csv.DictReader(file)]


def gather(found: Iterable[tuple[str, int, list[str]]], known: set[str], seed: int = 5) -> list[str]:
    """Cleaned texts, each once, in random order; none that `known` (see `key`) holds or is not in Latin."""
    rng = random.Random(seed)
    chosen: list[str] = []
    known = set(known)
    for name, most, raw in found:
        before = len(chosen)
        for line in rng.sample(raw, len(raw)):
            text = normalise(_CUT_OFF.sub("", _RETWEET.sub("", line)))
            mark = key(text)
            if len(mark) < _FEWEST or mark in known or sum(map(str.isascii, text)) < 0.8 * len(text):
                continue
            known.add(mark)
            chosen.append(text)
            if len(chosen) - before >= most:
                break
        print(f"{name}: {len(chosen) - before}")
    rng.shuffle(chosen)
    return chosen


def key(text: str) -> str:
    """What two texts share that differ in masks, case, signs or spaces alone."""
    return _MASKS.sub("", text.casefold())


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8", errors="replace").split("\n")


def main() -> None:
    """Write the texts, one a line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkouts", type=Path, required=True, help="folder of the repositories")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    known = {example.text for example in data.english_sentiment(args.data, "train")}
    texts = gather(sources(args.checkouts), {key(text) for text in known | data.held_out(args.data)})
    args.out.write_text("\n".join(texts) + "\n", "utf-8")


if __name__ == "__main__":
    main()
