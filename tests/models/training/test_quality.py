"""The figures, on answers whose figures are known."""

import numpy as np
import pytest

from models.training.quality import by_class, calibration_error, macro, softmax


def test_macro_figures_of_a_known_confusion() -> None:
    true, said = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 1])
    assert macro(true, said, 3) == {
        "macro_recall": 0.5556,
        "macro_f1": pytest.approx((0.8 + 2 / 3 + 0) / 3, abs=1e-4),
    }


def test_classes_that_do_not_occur_do_not_count() -> None:
    assert macro(np.array([0, 1]), np.array([0, 1]), 7)["macro_f1"] == 1


def test_f1_by_class_is_named() -> None:
    assert by_class(np.array([0, 1, 1]), np.array([0, 1, 0]), ["no", "yes"]) == {"no": 0.6667, "yes": 0.6667}


def test_a_model_as_sure_as_it_is_right_is_calibrated() -> None:
    rng = np.random.default_rng(1)
    share = rng.uniform(0.5, 0.99, 40_000).astype(np.float32)
    logits = np.stack([np.log(share), np.log(1 - share)], 1)
    true = (rng.random(40_000) > share).astype(np.int64)
    assert calibration_error(logits, true) < 0.01


def test_a_model_that_is_sure_and_wrong_half_the_time_is_not() -> None:
    logits = np.tile(np.array([[9.0, 0.0]], np.float32), (1000, 1))
    assert calibration_error(logits, np.arange(1000) % 2) == pytest.approx(0.5, abs=0.01)


def test_softmax_survives_large_logits() -> None:
    assert softmax(np.array([[1e4, 0.0]], np.float32)).tolist() == [[1.0, 0.0]]
