"""The temperature: the one that makes the cross-entropy least, and that changes no class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.metrics import as_probabilities, score
from edgedigits.scoring.temperature import MOST, calibration, fit_temperature, logits_of
from tests.tflite_builder import random_mlp


def drawn(seed: int, count: int = 400) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Logits, and classes drawn with the very probabilities that these logits stand for."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, 10))
    chances = as_probabilities(logits, are_probabilities=False)
    return logits, np.array([random.choice(10, p=row) for row in chances]).astype(np.uint8)


def loss(logits: NDArray[np.float64], labels: NDArray[np.uint8]) -> float:
    return score(logits, labels, are_probabilities=False).loss


@given(st.integers(0, 20), st.floats(0.05, 20))
def test_no_other_temperature_has_a_lower_loss(seed: int, factor: float) -> None:
    logits, labels = drawn(seed, 60)
    logits *= factor
    found = fit_temperature(logits, labels)
    assert all(loss(logits / found, labels) <= loss(logits / (found * other), labels) + 1e-6 for other in (0.9, 1.1))


def test_what_was_sharpened_is_found_and_taken_back() -> None:
    logits, labels = drawn(1, 4000)
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.06)
    assert fit_temperature(logits * 5, labels) == pytest.approx(5 * fit_temperature(logits, labels), abs=1e-3)

    found = calibration(logits * 5, labels, 5.0)

    assert found.images == 4000
    assert found.loss_after == pytest.approx(loss(logits, labels)) and found.loss_after < found.loss_before
    assert found.error_after < 0.03 < 0.2 < found.error_before


def test_it_has_an_end_where_none_is_best() -> None:
    scores = np.eye(10)
    assert fit_temperature(scores, np.arange(10)) == 1 / MOST, "all right: the sharper the better"
    assert fit_temperature(scores, (np.arange(10) + 1) % 10) == MOST, "all wrong: the flatter the better"
    assert fit_temperature(np.zeros((3, 10)), np.arange(3)) == 1 / MOST, "no logits at all: nothing matters"


def test_figures_are_those_of_the_scores_themselves() -> None:
    model = open_classifier(read_tflite(random_mlp(3, (784, 10))))
    stored = np.random.default_rng(0).integers(-128, 128, (50, 10)).astype(np.int8)
    labels = np.arange(50) % 10
    logits = logits_of(stored, model.output, are_probabilities=False)

    found = calibration(logits, labels, 1.0)

    scores = score(model.dequantize(stored), labels, are_probabilities=False)
    assert (found.loss_before, found.error_before) == (found.loss_after, found.error_after)
    assert found.loss_before == pytest.approx(scores.loss, rel=1e-5)
    assert found.error_before == pytest.approx(scores.calibration_error, rel=1e-4)


def test_behind_a_softmax_a_stored_zero_is_half_a_step() -> None:
    model = open_classifier(read_tflite(random_mlp(3, (784, 10), softmax=True)))
    stored = np.array([[127] + [-128] * 9, [0] * 2 + [-128] * 8], np.int8)

    logits = logits_of(stored, model.output, are_probabilities=True)

    np.testing.assert_allclose(np.exp(logits[0, :2]), [255 / 256, 0.5 / 256], rtol=1e-6)
    np.testing.assert_allclose(np.exp(logits[1, :3]), [0.5, 0.5, 0.5 / 256], rtol=1e-6)
