"""The model: the code path of `parley analyze`, against what the same file can do at best, and a RoBERTa.

(a) raw onnxruntime: the same file on as many threads, token ids at hand, batches sorted by length over all
texts. (b) one transformers pipeline with a RoBERTa-base-sized model (random weights run as fast as others),
one comment at a time, in an environment that has torch and transformers.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from console.analyze import json_lines
from models import session
from models.analyzer import DEFAULT_MODEL, Analyzer
from models.normalise import normalise
from models.registry import Manifest, read_manifest
from models.training.data import comments

_ROUNDS: Final = 9
_ONE_BY_ONE: Final = 200
_TOKENS: Final = (384, 512, 768)


def measure(roberta: str | None = None) -> dict[str, Any]:
    """Texts a second, and their ratios as the median over rounds in turn; memory in MB.

    `roberta` is a Python that has torch and transformers, such as .venv-export-ci/bin/python.
    """
    manifest = read_manifest(DEFAULT_MODEL)
    texts = list(dict.fromkeys(each.text for each in [*comments(), *comments("heldout")]))
    analyzer = Analyzer.load(cache_texts=0)
    raw = _Raw(manifest, texts)
    tokens = max(_TOKENS, key=lambda size: max(raw.rate(size), raw.rate(size)))
    ours, best = [], []
    for _ in range(_ROUNDS):
        best.append(raw.rate(tokens))
        ours.append(_ours(analyzer, texts))
    found: dict[str, Any] = {
        "texts": len(texts),
        "tokens a text": round(raw.mean_length, 1),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "parley analyze, texts a second": statistics.median(ours),
        "raw onnxruntime, texts a second": statistics.median(best),
        "raw onnxruntime, tokens a batch": tokens,
        "ratio of raw onnxruntime": statistics.median(a / b for a, b in zip(ours, best, strict=True)),
        "memory at most, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if roberta is None:
        found["RoBERTa one at a time"] = "not measured: --roberta names no Python with torch and transformers"
        return found
    theirs = _roberta(roberta, texts[:: max(1, len(texts) // _ONE_BY_ONE)][:_ONE_BY_ONE], texts)
    after = statistics.median([_ours(analyzer, texts) for _ in range(3)])
    found["RoBERTa one at a time, texts a second"] = theirs
    found["ratio of RoBERTa one at a time"] = statistics.median([*ours, after]) / theirs
    return found


def _ours(analyzer: Analyzer, texts: list[str]) -> float:
    began = time.perf_counter()
    lines = sum(1 for _ in json_lines(analyzer.stream(texts)))
    return lines / (time.perf_counter() - began)


class _Raw:
    """The ONNX file on all cores with everything else done before."""

    def __init__(self, manifest: Manifest, texts: list[str]) -> None:
        self._inner = session.Session(manifest)
        ids = self._inner.token_ids([normalise(text) for text in texts])
        self._ids = sorted(ids, key=len, reverse=True)
        self.mean_length = float(np.mean([len(each) for each in ids]))
        self._pool = ThreadPoolExecutor(self._inner.threads)

    def rate(self, tokens: int) -> float:
        """Texts a second in batches of so many tokens."""
        batches, at = [], 0
        while at < len(self._ids):
            length = len(self._ids[at])
            part = self._ids[at : at + max(1, tokens // length)]
            batches.append(np.array([each + [1] * (length - len(each)) for each in part], np.int64))
            at += len(part)
        began = time.perf_counter()
        list(self._pool.map(self._inner.raw, batches))
        return len(self._ids) / (time.perf_counter() - began)


_PIPELINE: Final = """
import json, sys, tempfile, time
from pathlib import Path
from tokenizers import ByteLevelBPETokenizer
from transformers import RobertaConfig, RobertaForSequenceClassification, RobertaTokenizerFast, pipeline

texts, corpus = json.load(sys.stdin)
bpe = ByteLevelBPETokenizer()
bpe.train_from_iterator(corpus, vocab_size=50265, min_frequency=1,
                        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False)
with tempfile.TemporaryDirectory() as folder:
    bpe.save_model(folder)
    tokenizer = RobertaTokenizerFast(folder + "/vocab.json", folder + "/merges.txt")
    config = RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, num_labels=3)
    model = RobertaForSequenceClassification(config).eval()
    run = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", top_k=None)
    for text in texts[:10]:
        run(text)
    rates = []
    for _ in range(2):
        began = time.perf_counter()
        for text in texts:
            run(text)
        rates.append(len(texts) / (time.perf_counter() - began))
print(json.dumps(max(rates)))
"""


def _roberta(python: str, texts: list[str], corpus: list[str]) -> float:
    done = subprocess.run(
        [python, "-c", _PIPELINE],
        input=json.dumps([texts, corpus]),
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        check=True,
        cwd=Path.cwd(),
    )
    return float(json.loads(done.stdout.strip().splitlines()[-1]))
