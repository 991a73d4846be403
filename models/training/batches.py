"""Turns examples into tensors: tokenised, sorted into lengths, a constant number of tokens a batch."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.training.augment import vary
from models.training.data import INTENTS, SENTIMENTS, Example

MAX_TOKENS = 128
_STEP = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """n texts. Labels are -1 where unknown; `rows` are the examples' places in the list they came from.

    `natural` marks tweets sampled as they come, with few negative ones among them.
    """

    ids: Tensor
    mask: Tensor
    sentiment: Tensor
    intent: Tensor
    not_spam: Tensor
    weight: Tensor
    natural: Tensor
    rows: Tensor


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Token ids with specials, at most `MAX_TOKENS`, the last one kept."""
    return [
        e.ids if len(e.ids) <= MAX_TOKENS else [*e.ids[: MAX_TOKENS - 1], e.ids[-1]]
        for e in tokenizer.encode_batch_fast(texts)
    ]


def epoch(
    examples: list[Example],
    tokenizer: Tokenizer,
    rng: random.Random,
    *,
    varied: bool = True,
    tokens: int = 3072,
    weights: dict[str, float] | None = None,
) -> Iterator[Batch]:
    """All examples once, shuffled, each varied afresh; `weights` by source scale a text's intent loss."""
    texts = [vary(e, rng) for e in examples] if varied else examples
    ids = encode(tokenizer, [e.text for e in texts])
    buckets: dict[int, list[int]] = {}
    for row, sequence in enumerate(ids):
        buckets.setdefault(-(-len(sequence) // _STEP) * _STEP, []).append(row)
    groups: list[tuple[int, list[int]]] = []
    for length, rows in buckets.items():
        rng.shuffle(rows)
        size = max(8, tokens // length)
        groups += [(length, rows[i : i + size]) for i in range(0, len(rows), size)]
    rng.shuffle(groups)
    for length, rows in groups:
        yield _batch([texts[r] for r in rows], [ids[r] for r in rows], rows, length, weights or {})


def _batch(
    examples: list[Example], ids: list[list[int]], rows: list[int], length: int, weights: dict[str, float]
) -> Batch:
    padded = np.ones((len(ids), length), np.int64)
    mask = np.zeros((len(ids), length), np.float32)
    for i, sequence in enumerate(ids):
        padded[i, : len(sequence)] = sequence
        mask[i, : len(sequence)] = 1.0
    return Batch(
        torch.from_numpy(padded),
        torch.from_numpy(mask),
        torch.tensor([SENTIMENTS.index(e.sentiment) if e.sentiment else -1 for e in examples]),
        torch.tensor([INTENTS.index(e.intent) if e.intent else -1 for e in examples]),
        torch.tensor([e.not_spam for e in examples]),
        torch.tensor([weights.get(e.source, 1.0) for e in examples]),
        torch.tensor([e.source == "sentiment-en" for e in examples]),
        torch.tensor(rows),
    )
