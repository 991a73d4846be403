"""Packed embeddings are as near to each other as the vectors they were made of."""

import numpy as np
import pytest

from replies.similarity import cosines, packed


@pytest.mark.parametrize("seed", range(5))
def test_packing_changes_a_cosine_by_less_than_said(seed: int) -> None:
    random = np.random.default_rng(seed)
    middle = random.normal(size=384)
    vectors = middle + random.normal(size=(50, 384)) * random.uniform(0.1, 3, size=(50, 1))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    kept = [packed(vector) for vector in vectors]
    assert {len(each) for each in kept} == {384}
    assert np.abs(cosines(kept[0], kept) - vectors @ vectors[0]).max() < 0.002


def test_length_says_nothing_direction_all() -> None:
    one, opposite = np.array([0.5, -0.25], np.float32), np.array([-0.5, 0.25], np.float32)
    assert packed(one) == packed(one * 4)
    assert cosines(packed(one), [packed(one), packed(opposite)]) == pytest.approx([1, -1], abs=1e-6)
    assert cosines(packed(one), []).shape == (0,)
