"""How well intent carries over: trains without one source, then measures on that source alone.

A small encoder is trained on the intent sources and own comments, from the base model, since a teacher has
seen everything. Macro F1 is over the classes that the source carries; a public set of spam is judged as spam
or not.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from models.training import data
from models.training.batches import Batch, epoch
from models.training.encoder import Encoder, shallow
from models.training.predict import outputs_of
from models.training.quality import by_class, intents, macro
from models.training.train import SOURCE_WEIGHTS, fit, labelled_loss, training_set
from schemas.labels import Intent

_SPAM = data.INTENTS.index(Intent.SPAM)


def figures(model: Encoder, tokenizer: Tokenizer, examples: list[data.Example]) -> dict[str, object]:
    """Macro F1 of intent on `examples`, over the classes they carry."""
    said = outputs_of(model, tokenizer, examples)[1].argmax(1)
    if any(e.not_spam for e in examples):
        true = np.array([not e.not_spam for e in examples]).astype(np.int64)
        said = (said == _SPAM).astype(np.int64)
        return {"texts": len(examples), "classes": ["not spam", "spam"], **macro(true, said, 2)}
    true = intents(examples)
    carried = [c for c in range(7) if (true == c).any()]
    scores = by_class(true, said, [str(i) for i in data.INTENTS])
    return {
        "texts": len(examples),
        "classes": {str(data.INTENTS[c]): scores[str(data.INTENTS[c])] for c in carried},
        **macro(true, said, 7),
    }


def main() -> None:
    """Train without one source and print the figures on it as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--source", required=True, help="such as spam-youtube, app-reviews or comments-es-2")
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(5)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    model = shallow(torch.load(args.base, weights_only=False), args.layers)

    def batches(number: int) -> list[Batch]:
        rng = random.Random(500 + number)
        examples = training_set(args.data, rng, english=0, repeat=1, without=args.source)
        own = [e for e in examples if not e.source.startswith("umsab")]
        return list(epoch(own, tokenizer, rng, weights=SOURCE_WEIGHTS))

    fit(model, batches, labelled_loss, epochs=args.epochs, rate=2e-4)
    known = {
        e.text.casefold() for e in training_set(args.data, random.Random(0), english=0, without=args.source)
    }
    everything = data.intent_sources(args.data) + data.comments()
    left = [e for e in everything if e.source == args.source and (e.intent or e.not_spam)]
    print(json.dumps({"left_out": args.source, **figures(model, tokenizer, data.without(left, known))}))


if __name__ == "__main__":
    main()
