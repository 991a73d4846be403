"""Runs an ONNX model over texts of any number and length, on as many cores as it is given.

Threads, not intra-operator parallelism: each batch runs on one thread of its own, all over one session, so
that the weights are in memory once. Measured on two cores, one session with two threads for an operator gave
a fifth less. Texts are sorted by token count and batched by a constant number of tokens, so that next to
nothing is padded.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from models.registry import HEADS, Manifest, ModelDamaged

Array = npt.NDArray[np.float32]

BATCH_TOKENS = 512
"""Tokens of a batch, measured with two threads: smaller ones pay the interpreter more, larger ones pad."""

BATCH_TEXTS = 64
EMBEDDING = 384
"""Width of the sentence embedding."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the model said of n texts, in their order.

    Logits by head, one column for each of the manifest's labels; unit embeddings (n, 384), or (n, 0) from a
    model without them; and `unknown` (n,), the share of each text's characters, spaces aside, that the model
    has no piece for.
    """

    logits: dict[str, Array]
    embedding: Array
    unknown: Array


class Session:
    """An ONNX session with its tokenizer; safe to call from several threads.

    Raises `ModelDamaged` where a file has the right checksum and still cannot be loaded.
    """

    def __init__(self, manifest: Manifest, threads: int | None = None) -> None:
        self._manifest = manifest
        self.threads = max(1, threads or _cores())
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # shapes differ from batch to batch; a plan for each piles up
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        # our graph is written as it should run; more would fuse Add and LayerNormalization, five times slower
        self._own = manifest.inputs == ("ids",)
        levels = ort.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_BASIC if self._own else levels.ORT_ENABLE_ALL
        try:
            self._tokenizer = Tokenizer.from_file(str(manifest.tokenizer))
            self._session = ort.InferenceSession(
                str(manifest.model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # tokenizers and onnxruntime raise types of their own
            raise ModelDamaged(f"model {manifest.name} does not load: {error}") from error
        self._check(manifest)
        self._pool = ThreadPoolExecutor(self.threads, "model") if self.threads > 1 else None

    def _check(self, manifest: Manifest) -> None:
        """One run on one token: what the graph takes and gives is what the manifest says."""
        row = [[token for token in (0, 2) if token != manifest.pad] or [0]]
        try:
            self._score([0], row, self._blank(1))
        except Exception as error:  # whatever onnxruntime or numpy finds wrong
            raise ModelDamaged(
                f"model {manifest.name}: {manifest.model} does not answer as its manifest says: {error}"
            ) from error

    def run(self, texts: Sequence[str]) -> Scores:
        """Score cleaned texts; an empty one is scored too (as a text without content)."""
        ids = self.token_ids(texts)
        manifest = self._manifest
        scores = self._blank(len(ids))
        if manifest.unknown is not None:
            for row, sequence in enumerate(ids):
                if manifest.unknown in sequence:
                    scores.unknown[row] = self.unknown_share(texts[row])
        groups = _groups(ids, self.threads)
        if self._pool is None or len(groups) == 1:
            for group in groups:
                self._score(group, ids, scores)
        else:
            list(self._pool.map(lambda group: self._score(group, ids, scores), groups))
        return scores

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of cleaned texts, specials included, each cut to what the model takes."""
        return [self._cut(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def raw(self, ids: npt.NDArray[np.int64]) -> list[Array]:
        """All outputs of our own graph for one padded batch (n, tokens): for measuring what is possible."""
        return list(self._session.run(None, {"ids": ids}))

    def _blank(self, texts: int) -> Scores:
        labels = self._manifest.labels
        return Scores(
            {task: np.zeros((texts, len(columns)), np.float32) for task, columns in labels.items()},
            np.zeros((texts, EMBEDDING if self._own else 0), np.float32),
            np.zeros(texts, np.float32),
        )

    def unknown_share(self, text: str) -> float:
        """Share of the text's characters, spaces aside, inside pieces unknown to the model."""
        encoding = self._tokenizer.encode(text)
        spans = (
            text[start:end]
            for piece, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
            if piece == self._manifest.unknown
        )
        solid = sum(not character.isspace() for character in text)
        return sum(not c.isspace() for span in spans for c in span) / solid if solid else 0.0

    def _cut(self, ids: list[int]) -> list[int]:
        most = self._manifest.max_tokens
        return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]

    def _score(self, rows: list[int], ids: list[list[int]], scores: Scores) -> None:
        length = max(len(ids[row]) for row in rows)
        padded = np.full((len(rows), length), self._manifest.pad, np.int64)
        for i, row in enumerate(rows):
            padded[i, : len(ids[row])] = ids[row]
        if self._own:
            found = self._session.run([*HEADS, "embedding"], {"ids": padded})
            scores.embedding[rows] = found.pop()
        else:
            mask = np.zeros_like(padded)
            for i, row in enumerate(rows):
                mask[i, : len(ids[row])] = 1
            given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
            found = self._session.run(["logits"], {name: given[name] for name in self._manifest.inputs})
        for logits, values in zip(scores.logits.values(), found, strict=True):
            logits[rows] = values


def _groups(ids: list[list[int]], threads: int) -> list[list[int]]:
    """Row numbers in batches: like lengths together, longest first so that the last to finish is short."""
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
    most = min(BATCH_TEXTS, -(-len(order) // threads)) if order else 1
    groups: list[list[int]] = []
    at = 0
    while at < len(order):
        size = max(1, min(most, BATCH_TOKENS // max(1, len(ids[order[at]]))))
        groups.append(order[at : at + size])
        at += size
    return groups


def _cores() -> int:
    """Cores this process may use, which a container may cap below the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
