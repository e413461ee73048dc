"""Scores: hand-computed cases, then scikit-learn as the oracle on arbitrary outputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn import metrics as oracle

from edgedigits.scoring.metrics import (
    SMALLEST_PROBABILITY,
    as_probabilities,
    calibration_error,
    classify,
    score,
)

ALL = list(range(10))


def one_hot(classes: list[int]) -> NDArray[np.float32]:
    return np.eye(10, dtype=np.float32)[classes]


@st.composite
def outputs_and_labels(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Int8 logits times a scale, as deployed models give them: ties are common, and no loss is clipped."""
    count = draw(st.integers(1, 40))
    raw = draw(arrays.arrays(np.int8, (count, 10)))
    labels = draw(arrays.arrays(np.uint8, count, elements=st.integers(0, 9)))
    return raw.astype(np.float32) * np.float32(draw(st.sampled_from([0.001, 0.01, 0.05]))), labels


def test_perfect_scores() -> None:
    scores = score(one_hot(ALL), np.arange(10), are_probabilities=True)

    assert (scores.accuracy, scores.macro_precision, scores.macro_recall, scores.macro_f1) == (1, 1, 1, 1)
    assert (scores.loss, scores.calibration_error, scores.ties, scores.count) == (0, 0, 0, 10)
    assert scores.confusion == tuple(tuple(row) for row in np.eye(10, dtype=int).tolist())


def test_a_mixed_up_pair() -> None:
    """Two 3s and a 5, of which one 3 is called a 5."""
    scores = score(one_hot([3, 5, 5]), np.array([3, 3, 5]), are_probabilities=True)

    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.confusion[3][5] == 1
    three, five = scores.per_class[3], scores.per_class[5]
    assert (three.precision, three.recall, three.f1, three.support) == (1, 0.5, pytest.approx(2 / 3), 2)
    assert (five.precision, five.recall, five.support) == (0.5, 1, 1)
    assert three.loss == pytest.approx(-np.log(SMALLEST_PROBABILITY) / 2)
    assert five.loss == 0


def test_classes_that_are_absent_or_never_given_score_zero() -> None:
    scores = score(one_hot([1, 1]), np.array([0, 1]), are_probabilities=True)

    never_given, absent = scores.per_class[0], scores.per_class[9]
    assert (never_given.precision, never_given.recall, never_given.f1) == (0, 0, 0)
    assert (absent.precision, absent.recall, absent.f1, absent.loss, absent.support) == (0, 0, 0, 0, 0)


def test_the_lowest_class_index_wins_a_tie() -> None:
    outputs = np.zeros((2, 10), np.float32)
    outputs[1, [4, 7]] = 3

    assert classify(outputs).tolist() == [0, 4]
    scores = score(outputs, np.array([0, 7]), are_probabilities=False)
    assert (scores.ties, scores.accuracy) == (2, 0.5)


def test_a_row_without_any_probability_is_uniform() -> None:
    assert as_probabilities(np.zeros((1, 10), np.float32), are_probabilities=True).tolist() == [[0.1] * 10]


@pytest.mark.parametrize("largest", [900.0, -900.0])
def test_logits_of_any_size_have_probabilities(largest: float) -> None:
    """Their exponentials alone would be endless, or nothing."""
    logits = np.full((1, 10), largest, np.float32)
    logits[0, 3] += np.float32(np.log(11))

    probabilities = as_probabilities(logits, are_probabilities=False)
    np.testing.assert_allclose(probabilities, [[0.05] * 3 + [0.55] + [0.05] * 6], rtol=1e-4)


def test_logits_far_apart_are_certain() -> None:
    logits = np.full((1, 10), -1000, np.float32)
    logits[0, 3] = 1000

    np.testing.assert_array_equal(as_probabilities(logits, are_probabilities=False)[0], np.eye(10)[3])


def test_loss_of_equal_logits_is_log_of_ten() -> None:
    scores = score(np.full((3, 10), 80, np.float32), np.array([0, 5, 9]), are_probabilities=False)

    assert scores.loss == pytest.approx(np.log(10))
    assert scores.per_class[5].loss == pytest.approx(np.log(10))


def test_calibration_error_of_a_sure_and_half_right_classifier_is_a_half() -> None:
    assert calibration_error(np.ones(4), np.array([True, False, True, False])) == 0.5


def test_confidence_on_a_bin_edge_belongs_to_the_bin_below() -> None:
    """0.2 = 3/15 closes the bin (2/15, 3/15] with 0.19, so their opposite gaps cancel."""
    apart = calibration_error(np.array([0.19, 0.21]), np.array([True, False]))
    together = calibration_error(np.array([0.19, 0.2]), np.array([True, False]))

    assert apart == pytest.approx((0.81 + 0.21) / 2)
    assert together == pytest.approx((0.81 - 0.2) / 2)


@given(outputs_and_labels())
@settings(max_examples=60, deadline=None)
def test_scores_equal_scikit_learn(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    outputs, labels = case
    scores = score(outputs, labels, are_probabilities=False)
    classes = outputs.argmax(axis=1)

    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        labels, classes, labels=ALL, zero_division=0
    )
    assert [one.precision for one in scores.per_class] == pytest.approx(precision)
    assert [one.recall for one in scores.per_class] == pytest.approx(recall)
    assert [one.f1 for one in scores.per_class] == pytest.approx(f1)
    assert [one.support for one in scores.per_class] == support.tolist()
    assert scores.macro_f1 == pytest.approx(np.mean(f1))
    assert scores.accuracy == pytest.approx(oracle.accuracy_score(labels, classes))
    assert np.array_equal(scores.confusion, oracle.confusion_matrix(labels, classes, labels=ALL))


@given(outputs_and_labels())
@settings(max_examples=60, deadline=None)
def test_losses_equal_scikit_learn(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    outputs, labels = case
    scores = score(outputs, labels, are_probabilities=False)
    probabilities = as_probabilities(outputs, are_probabilities=False)

    assert scores.loss == pytest.approx(oracle.log_loss(labels, probabilities, labels=ALL))
    weighted = sum(one.loss * one.support for one in scores.per_class)
    assert weighted == pytest.approx(scores.loss * scores.count)


@given(outputs_and_labels())
@settings(max_examples=60, deadline=None)
def test_calibration_error_equals_its_definition(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    outputs, labels = case
    probabilities = as_probabilities(outputs, are_probabilities=False)
    confidence, correct = probabilities.max(axis=1), outputs.argmax(axis=1) == labels

    expected = 0.0
    for m in range(1, 16):
        inside = (np.ceil(confidence * 15) == m) & (confidence > 0)
        if inside.any():
            expected += inside.sum() / len(labels) * abs(correct[inside].mean() - confidence[inside].mean())
    assert calibration_error(confidence, correct) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("outputs", "labels", "words"),
    [
        (np.zeros((0, 10)), np.zeros(0, int), "n ≥ 1"),
        (np.zeros((2, 9)), np.zeros(2, int), "(2, 9)"),
        (np.zeros((2, 10)), np.zeros(3, int), "(3,)"),
        (np.zeros((1, 10)), np.array([10]), "10"),
        (np.zeros((1, 10)), np.array([12]), "12…12"),
        (np.zeros((1, 10)), np.array([-1]), "-1…-1"),
        (np.full((1, 10), np.nan), np.zeros(1, int), "finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(outputs: NDArray, labels: NDArray, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        score(outputs.astype(np.float32), labels, are_probabilities=False)
    assert words in str(caught.value)
