"""Fine-tunes an encoder on labelled examples of both tasks; the teacher and the plain students use this."""

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from models.training import data
from models.training.augment import emoji_items
from models.training.batches import Batch, epoch
from models.training.data import INTENTS
from models.training.encoder import Encoder, Outputs, shallow
from models.training.predict import measure
from schemas.labels import Intent

SOURCE_WEIGHTS = {"clinc150": 0.3, "banking77": 0.3, "app-reviews": 0.4, "questions-tweets": 0.4,
                  "spam-instagram": 0.5, "spam-youtube": 0.5, "emoji": 0.3}  # fmt: skip
"""Weight of a text's intent loss; own comments count in full, they are what the product reads."""

_ENGLISH_PRIOR = 0.7 * torch.log(torch.tensor([0.156, 0.448, 0.396]))
_SPAM = INTENTS.index(Intent.SPAM)
Loss = Callable[[Outputs, Batch], Tensor]


def labelled_loss(out: Outputs, batch: Batch) -> Tensor:
    """Cross-entropy of both heads; "not spam" asks only that spam be unlikely.

    English tweets come with few negative ones; their logits are shifted by that prior in training only
    (logit adjustment, Menon et al. 2021), so that the model answers as if moods were equally frequent;
    seven tenths of the shift gave the better recall, the whole of it too many negative answers.
    """
    loss = out.sentiment.new_zeros(())
    known = batch.sentiment >= 0
    if known.any():
        logits = out.sentiment[known] + batch.natural[known].unsqueeze(1) * _ENGLISH_PRIOR
        loss = loss + functional.cross_entropy(logits, batch.sentiment[known], label_smoothing=0.03)
    known = batch.intent >= 0
    if known.any():
        each = functional.cross_entropy(
            out.intent[known], batch.intent[known], label_smoothing=0.05, reduction="none"
        )
        loss = loss + (each * batch.weight[known]).sum() / max(1, len(each)) ** 0.5 / 8
    if batch.not_spam.any():
        spam = torch.softmax(out.intent[batch.not_spam], -1)[:, _SPAM].clamp(max=0.999)
        loss = loss - 0.3 * torch.log1p(-spam).mean()
    return loss


def fit(
    model: Encoder,
    batches: Callable[[int], list[Batch]],
    loss: Loss,
    *,
    epochs: int,
    rate: float,
    report: Callable[[Encoder], object] | None = None,
) -> Encoder:
    """Train in place: AdamW with a linear warm-up and decay, word rows by a sparse Adam; gives the model.

    `batches(n)` gives the batches of epoch n.
    """
    planned = batches(0)
    steps = len(planned) * epochs
    dense = [p for name, p in model.named_parameters() if name != "word.weight"]
    optimizers = [
        torch.optim.AdamW(dense, rate, weight_decay=0.01, fused=True),
        torch.optim.SparseAdam([model.word.weight], rate),
    ]
    schedule = [
        torch.optim.lr_scheduler.LambdaLR(
            o, lambda s: min((s + 1) / (0.06 * steps), max(0.02, 1 - s / steps))
        )
        for o in optimizers
    ]
    step, started, total = 0, time.monotonic(), 0.0
    for number in range(epochs):
        for batch in planned if number == 0 else batches(number):
            model.train()
            value = loss(model(batch.ids, batch.mask), batch)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(dense, 1.0)
            for optimizer, rates in zip(optimizers, schedule, strict=True):
                optimizer.step()
                rates.step()
                optimizer.zero_grad(set_to_none=True)
            step, total = step + 1, total + float(value.detach())
            if step % 100 == 0:
                print(
                    f"step {step}/{steps} loss {total / 100:.3f} {time.monotonic() - started:.0f}s",
                    flush=True,
                )
                total = 0.0
        if report:
            print(
                json.dumps(
                    {
                        "epoch": number + 1,
                        "seconds": round(time.monotonic() - started),
                        **_as_dict(report(model)),
                    }
                ),
                flush=True,
            )
    return model


def _as_dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def training_set(
    folder: Path, rng: random.Random, *, english: int = 50_000, repeat: int = 2, without: str = ""
) -> list[data.Example]:
    """The labelled examples of one epoch; `without` leaves a source out by the start of its name.

    Small sets are in it `repeat` times, own comments once more, since each time they are varied afresh.
    """
    tweets = data.english_sentiment(folder, "train")
    rng.shuffle(tweets)
    mapped = [e for e in data.intent_sources(folder) if e.intent or e.not_spam or e.sentiment]
    rng.shuffle(mapped)
    quota: dict[tuple[str, Intent | None], int] = {}
    chosen = []
    for example in mapped:
        key = (example.source, example.intent)
        quota[key] = quota.get(key, 0) + 1
        if quota[key] <= 350 * repeat:
            chosen.append(example)
    examples = tweets[:english] + data.multilingual_sentiment(folder, "train") * repeat + chosen
    examples += data.comments() * (repeat + 1) + emoji_items(rng)
    return [
        e
        for e in data.without(examples, data.held_out(folder))
        if not (without and e.source.startswith(without))
    ]


def tweets(folder: Path, rng: random.Random) -> list[data.Example]:
    """The English tweets and emoji items of one epoch, for a teacher that reads English alone."""
    return data.without(data.english_sentiment(folder, "train") + emoji_items(rng), data.held_out(folder))


def main() -> None:
    """Train from saved weights and save the result; prints the quality after each epoch as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="weights to start from (.pt)")
    parser.add_argument(
        "--layers", type=int, nargs="*", help="layers of the start to keep, all where not given"
    )
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--english", type=int, default=50_000)
    parser.add_argument("--tokens", type=int, default=3072, help="of a batch")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--without", default="")
    parser.add_argument("--tweets", action="store_true", help="train on the English tweets alone")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="more stall where the cores are shared")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    model: Encoder = torch.load(args.start, weights_only=False)
    if args.layers:
        model = shallow(model, args.layers)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))

    def batches(number: int) -> list[Batch]:
        rng = random.Random(args.seed * 1000 + number)
        if args.tweets:
            examples = tweets(args.data, rng)
        else:
            examples = training_set(
                args.data, rng, english=args.english, repeat=args.repeat, without=args.without
            )
        return list(epoch(examples, tokenizer, rng, tokens=args.tokens, weights=SOURCE_WEIGHTS))

    fit(model, batches, labelled_loss, epochs=args.epochs, rate=args.rate,
        report=lambda m: measure(m, tokenizer, args.data))  # fmt: skip
    torch.save(model, args.out)


if __name__ == "__main__":
    main()
