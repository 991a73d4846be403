"""Measures what goes into each matrix product, so that its bytes can be chosen once and for all.

A few channels of a transformer's states are many times larger than the rest and would take up the range of a
byte. Dividing each channel by a power of its size, and multiplying the weights by the same (SmoothQuant, Xiao
et al. 2023), evens them out; what then still sticks out is cut off where that makes the least squared error.
"""

import numpy as np
import onnxruntime as ort

from models.training.encoder import Encoder
from models.training.graph import Array, Precision, Range, build

_POWER = 0.5
_CUTS = (1.0, 0.9999, 0.9997, 0.999, 0.998)


def measure_ranges(
    model: Encoder, batches: list[list[list[int]]], *, power: float = _POWER
) -> dict[str, Range]:
    """Run `model` in 32 bits over `batches` of token ids, none padded within a batch; ranges by product."""
    session = ort.InferenceSession(
        build(model, Precision("float"), probes=True).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [o.name for o in session.get_outputs() if "." in o.name]
    largest: dict[str, Array] = {}
    samples: dict[str, list[Array]] = {name: [] for name in names}
    rng = np.random.default_rng(0)
    for ids in batches:
        for name, raw in zip(names, session.run(names, {"ids": np.array(ids, np.int64)}), strict=True):
            value = raw.reshape(-1, raw.shape[-1])
            top = np.abs(value).max(0)
            largest[name] = np.maximum(largest.get(name, top), top)
            samples[name].append(value[rng.choice(len(value), min(len(value), 60), replace=False)])
    state = {key: tensor.detach().float().numpy() for key, tensor in model.state_dict().items()}
    ranges = {}
    for name in names:
        layer, part = name.removeprefix("l").split(".")
        weight = state[f"layers.{layer}.{part}.weight"]
        smooth = np.maximum(largest[name], 1e-3) ** power / np.maximum(np.abs(weight).max(0), 1e-3) ** (
            1 - power
        )
        smooth = np.clip(smooth / np.median(smooth), 0.1, 50.0).astype(np.float32)
        ranges[name] = _cut(np.concatenate(samples[name]) / smooth, smooth)
    return ranges


def _cut(values: Array, smooth: Array) -> Range:
    """The byte range of least squared error among those that keep the stated shares of `values`."""
    best, found = np.inf, Range(smooth, 1.0, 128)
    for share in _CUTS:
        low = min(float(np.quantile(values, 1 - share)), 0.0)
        high = max(float(np.quantile(values, share)), 0.0)
        scale = max((high - low) / 255, 1e-8)
        zero = int(np.clip(round(-low / scale), 0, 255))
        kept = (np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale
        if (error := float(np.square(kept - values).mean())) < best:
            best, found = error, Range(smooth, scale, zero)
    return found
