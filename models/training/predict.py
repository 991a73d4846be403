"""What a torch model says of examples, and its figures."""

import random
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from models.training.batches import epoch
from models.training.data import Example
from models.training.encoder import Encoder
from models.training.packed import Array
from models.training.quality import summary

_WIDTHS = (3, 7, 384)


@torch.no_grad()
def outputs_of(
    model: Encoder, tokenizer: Tokenizer, examples: list[Example]
) -> tuple[Array, Array, Array, Array]:
    """Logits (n, 3) and (n, 7), embeddings and pooled states (n, 384), in the order given."""
    model.eval()
    outs = [np.zeros((len(examples), width), np.float32) for width in (*_WIDTHS, 384)]
    for batch in epoch(examples, tokenizer, random.Random(0), varied=False, tokens=4096):
        out = model(batch.ids, batch.mask)
        for target, value in zip(outs, (out.sentiment, out.intent, out.embedding, out.pooled), strict=True):
            target[batch.rows.numpy()] = value.numpy()
    sentiment, intent, embedding, pooled = outs
    return sentiment, intent, embedding, pooled


def measure(model: Encoder, tokenizer: Tokenizer, folder: Path) -> dict[str, object]:
    """All figures of a torch model; see `models.training.quality.summary`."""
    return summary(lambda examples: outputs_of(model, tokenizer, examples)[:2], folder)
