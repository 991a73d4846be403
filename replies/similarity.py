"""How alike comments are: the cosine of sentence embeddings, packed so that they can travel and be kept.

An embedding's length says nothing, so only its direction is kept: each number as a signed byte, the largest
127. Against the full numbers that changes a cosine by less than 0.002.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def packed(embedding: npt.NDArray[np.float32]) -> bytes:
    """A vector other than zero as signed bytes, one a number (384 for the shipped model)."""
    return bytes(np.rint(embedding * (127 / np.abs(embedding).max())).astype(np.int8))


def cosines(one: bytes, others: Sequence[bytes]) -> npt.NDArray[np.float32]:
    """(len(others),): the cosine of one packed vector with each of others of the same width."""
    given = _numbers(one)
    vectors = _numbers(b"".join(others)).reshape(len(others), len(given))
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors)) * np.linalg.norm(given)
    return np.asarray(vectors @ given / lengths, np.float32)


def _numbers(packed: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(packed, np.int8).astype(np.float32)
