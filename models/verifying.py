"""Whether a model works here as it did where it was made: files, labels, tokenizer, known answers.

A manifest may hold `known`: texts with the scores that each head gave when the folder was written, without
temperature. Processors differ in how they add bytes up, so scores may differ by `TOLERANCE`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from models.normalise import normalise
from models.registry import MANIFEST, ModelDamaged, read_manifest
from models.session import Session

TEXTS = (
    "Amei o atendimento, nota dez!",
    "Llevo tres semanas esperando mi pedido y nadie contesta 😡",
    "What time do you open on Sunday?",
)
"""What a folder's known answers are about."""

TOLERANCE = 0.05
"""Of a score, between this machine and the one where the folder was written."""


def answers(session: Session) -> list[dict[str, Any]]:
    """What the model says of `TEXTS`: for each its text, and each head's scores in column order."""
    found = session.run([normalise(text) for text in TEXTS])
    rows: list[dict[str, Any]] = [{"text": text} for text in TEXTS]
    for head, logits in found.logits.items():
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        for row, scores in zip(rows, (raised / raised.sum(axis=1, keepdims=True)).tolist(), strict=True):
            row[head] = [round(score, 4) for score in scores]
    return rows


def verify(folder: Path) -> list[str]:
    """Say what was checked and found right; raises `ModelError` at the first thing that is not."""
    manifest = read_manifest(folder)
    said = [
        f"files: {manifest.model.name}, {manifest.tokenizer.name} have their sha256 ({manifest.hash[:12]})",
        f"labels: {', '.join(f'{head} ({len(labels)})' for head, labels in manifest.labels.items())}",
    ]
    session = Session(manifest, 1)
    said.append("loads: takes and gives what the manifest says")
    known = json.loads((folder / MANIFEST).read_text("utf-8")).get("known", [])
    for expected, found in zip(known, answers(session), strict=False):
        for head in manifest.heads:
            apart = np.abs(np.subtract(expected[head], found[head])).max()
            if not apart <= TOLERANCE:
                raise ModelDamaged(
                    f"model {manifest.name} says {found[head]} of {expected['text']!r} ({head}), where it "
                    f"was made it said {expected[head]}; tokenizer or onnxruntime differ: reinstall Parley"
                )
    said.append(
        f"known answers: {len(known)} texts within {TOLERANCE}" if known else "known answers: none recorded"
    )
    return said
