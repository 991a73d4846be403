"""Distils teachers into a student of few layers: what they answer to a pool of texts, labelled or not.

`ask` writes down the teachers' answers once, so that the student may read the pool for many epochs; `train`
fits the student to them and to the labels. A teacher that reads English alone, with a tokenizer of its own,
is asked about the English tweets by `ask_english`, and its answers are blended in. What teachers say of
the tweets they were trained on leans to the labels; of `--tweets`, further ones without labels, it does not.
Texts that calibrate the exported model are in no pool.
"""

import argparse
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from models.training import data
from models.training.augment import emoji_items, vary
from models.training.batches import Batch, epoch
from models.training.encoder import Encoder, Outputs, shallow
from models.training.packed import Array
from models.training.predict import measure, outputs_of
from models.training.train import SOURCE_WEIGHTS, Loss, fit, labelled_loss

_TEMPERATURE = 2.0
_ENGLISH = ("sentiment-en", "brand-tweets", "tweets")
"""Sources that teachers of English are asked about."""


def pool(folder: Path, *, english: int, seed: int = 11) -> list[data.Example]:
    """The student's texts, always the same: tweets once or twice, own comments three times."""
    rng = random.Random(seed)
    tweets = data.set_aside(data.english_sentiment(folder, "train"), 40)[0]
    rng.shuffle(tweets)
    several = data.set_aside(data.multilingual_sentiment(folder, "train"), 20)[0]
    own = data.set_aside(data.comments(), 12)[0]
    public = data.intent_sources(folder)
    rng.shuffle(public)
    quota: dict[object, int] = {}
    chosen = []
    for example in public:
        key = (example.source, example.intent)
        quota[key] = quota.get(key, 0) + 1
        if quota[key] <= (1100 if example.source == "brand-tweets" else 350):
            chosen.append(example)
    plain = tweets[:english] + several + own + chosen
    varied = [vary(e, rng) for e in several + own * 2]
    return data.without(plain + varied + emoji_items(rng), data.held_out(folder))


def ask(teachers: list[Path], tokenizer: Tokenizer, texts: list[data.Example]) -> dict[str, Array]:
    """The teachers' mean logits and the first one's pooled states."""
    answers: dict[str, Array] = {}
    for path in teachers:
        model: Encoder = torch.load(path, weights_only=False)
        sentiment, intent, _, pooled = outputs_of(model, tokenizer, texts)
        answers.setdefault("pooled", pooled.astype(np.float16))
        for key, value in (("sentiment", sentiment), ("intent", intent)):
            answers[key] = answers.get(key, np.zeros_like(value)) + value / len(teachers)
    return answers


def ask_english(teachers: list[Path], tokenizer: Tokenizer, texts: list[data.Example]) -> dict[str, Array]:
    """The mean sentiment logits of teachers that read English alone; not a number where not asked."""
    rows = [row for row, text in enumerate(texts) if text.source in _ENGLISH]
    logits = np.full((len(texts), 3), np.nan, np.float32)
    logits[rows] = ask(teachers, tokenizer, [texts[row] for row in rows])["sentiment"]
    return {"sentiment": logits}


def blend(first: Array, english: Array, share: float) -> Array:
    """`first`, (n, 3) logits, and `share` of `english` where that is a number."""
    asked = ~np.isnan(english[:, 0])
    mixed = first.copy()
    mixed[asked] = (1 - share) * first[asked] + share * english[asked]
    return mixed


def embed(base: Path, tokenizer: Tokenizer, texts: list[data.Example], every: int = 4) -> dict[str, Array]:
    """The base model's pooled states of one text in `every`, zeros for the others; see `centred`."""
    model: Encoder = torch.load(base, weights_only=False)
    found = np.zeros((len(texts), 384), np.float16)
    found[::every] = outputs_of(model, tokenizer, texts[::every])[3]
    return {"embedding": found}


def student_loss(answers: dict[str, Array], labelled: float) -> Loss:
    """The loss of a batch: teachers' logits at temperature 2, pooled states, embeddings, and labels."""
    taught = {key: torch.from_numpy(value.astype(np.float32)) for key, value in answers.items()}

    def loss(out: Outputs, batch: Batch) -> Tensor:
        total = labelled * labelled_loss(out, batch)
        for head, weight in (("sentiment", 1.0), ("intent", 1.0)):
            soft = torch.softmax(taught[head][batch.rows] / _TEMPERATURE, -1)
            own = torch.log_softmax(getattr(out, head) / _TEMPERATURE, -1)
            total = total + weight * _TEMPERATURE**2 * functional.kl_div(own, soft, reduction="batchmean")
        total = total + 2.0 * (
            1 - functional.cosine_similarity(out.pooled, taught["pooled"][batch.rows]).mean()
        )
        if "embedding" in taught:
            wanted = taught["embedding"][batch.rows]
            there = wanted.abs().sum(-1) > 0
            if there.any():
                total = total + 1.5 * (1 - (out.embedding[there] * wanted[there]).sum(-1).mean())
        return total

    return loss


def centred(raw: Array) -> Array:
    """Rows less the mean of the rows that are not zero, as unit vectors; zero rows stay.

    The embeddings of multilingual-e5 all lie within a narrow cone; outside it a cosine says more.
    """
    rows = raw.astype(np.float32)
    there = np.abs(rows).sum(1) > 0
    rows[there] -= rows[there].mean(0)
    rows[there] /= np.maximum(np.linalg.norm(rows[there], axis=1, keepdims=True), 1e-6)
    return rows


def main() -> None:
    """Write down answers (`ask`, `ask_english`), base embeddings (`embed`), or `train`; see the module."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=("ask", "ask_english", "embed", "train"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="teachers, base, or the start")
    parser.add_argument("--answers", type=Path, nargs="+", help="train: the parts of `ask`, the pool's first")
    parser.add_argument("--answers-english", type=Path, nargs="+", help="train: parts of `ask_english`")
    parser.add_argument("--share-english", type=float, default=0.5, help="train: of those in the blend")
    parser.add_argument("--embeddings", type=Path, help="train: what `embed` wrote")
    parser.add_argument(
        "--tweets", type=Path, help="further ones: ask: about these alone; train: on them too"
    )
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), help="ask: which part of how many")
    parser.add_argument("--english", type=int, default=26_000)
    parser.add_argument("--layers", type=int, nargs="+", help="train: layers of the start to keep")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--labelled", type=float, default=0.4)
    parser.add_argument("--quantized-from", type=int, default=2, help="train: the epoch, from 0, that rounds")
    parser.add_argument("--share", type=float, default=1.0, help="train: of the pool in each epoch")
    parser.add_argument("--share-tweets", type=float, default=1.0, help="train: of the further tweets")
    parser.add_argument("--tokens", type=int, default=3072, help="train: of a batch")
    parser.add_argument("--seed", type=int, default=0, help="train: order of the batches")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    further = data.without(data.plain(args.tweets), data.held_out(args.data)) if args.tweets else []
    texts = (
        further if args.tweets and args.step != "train" else pool(args.data, english=args.english) + further
    )
    if args.step in ("ask", "ask_english"):
        asking = ask if args.step == "ask" else ask_english
        rows = np.array_split(np.arange(len(texts)), args.part[1])[args.part[0]]
        np.savez(args.out, **asking(args.models, tokenizer, [texts[r] for r in rows]))  # type: ignore[arg-type]
        return
    if args.step == "embed":
        np.savez(args.out, **embed(args.models[0], tokenizer, texts))  # type: ignore[arg-type]
        return
    parts = [np.load(path) for path in args.answers]
    taught = {key: np.concatenate([part[key] for part in parts]) for key in parts[0].files}
    if args.answers_english:
        english = np.concatenate([np.load(path)["sentiment"] for path in args.answers_english])
        taught["sentiment"] = blend(taught["sentiment"], english, args.share_english)
    if args.embeddings:
        known = centred(np.load(args.embeddings)["embedding"])
        taught["embedding"] = np.pad(known, ((0, len(further)), (0, 0)))
    if {len(value) for value in taught.values()} != {len(texts)}:
        raise SystemExit("the answers are to another pool")
    student: Encoder = torch.load(args.models[0], weights_only=False)
    if args.layers:
        student = shallow(student, args.layers)

    def batches(number: int) -> list[Batch]:
        student.quantized = number >= args.quantized_from
        rng = random.Random(100 * args.seed + number)
        begin = len(texts) - len(further)
        rows = torch.tensor(
            sorted(rng.sample(range(begin), int(args.share * begin)))
            + sorted(rng.sample(range(begin, len(texts)), int(args.share_tweets * len(further))))
        )
        chosen = [texts[row] for row in rows.tolist()]
        found = epoch(chosen, tokenizer, rng, varied=False, tokens=args.tokens, weights=SOURCE_WEIGHTS)
        return [replace(batch, rows=rows[batch.rows]) for batch in found]

    fit(student, batches, student_loss(taught, args.labelled), epochs=args.epochs, rate=args.rate,
        report=lambda m: measure(m, tokenizer, args.data))  # fmt: skip
    torch.save(student, args.out)


if __name__ == "__main__":
    main()
