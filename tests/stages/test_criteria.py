"""Criteria of pruning: each by its formula once more, on weights that can be reckoned by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.criteria.declaration import LayerState

STATE = LayerState(
    weights=np.array([[1.0, -2.0], [0.0, 0.5], [-3.0, 0.1]], np.float32),
    inputs=np.array([4.0, 0.25, 0.0], np.float32),
    errors=np.array([1.0, 100.0], np.float32),
    movement=np.array([[-1.0, 2.0], [0.0, 5.0], [0.5, -7.0]], np.float32),
    draw=np.array([[0.1, 0.9], [0.5, 0.3], [0.7, 0.2]], np.float32),
)


@pytest.mark.parametrize(
    ("name", "scores"),
    [
        ("magnitude", [[1, 2], [0, 0.5], [3, 0.1]]),
        ("lamp", [[1, 4], [0, 0.25], [9, 0.01]]),
        ("activity", [[4, 16], [0, 0.0625], [0, 0]]),
        ("sensitivity", [[4, 1600], [0, 6.25], [0, 0]]),
        ("movement", [[-1, 2], [0, 5], [0.5, -7]]),
        ("random", [[0.1, 0.9], [0.5, 0.3], [0.7, 0.2]]),
    ],
)
def test_a_criterion_scores_as_its_formula_says(name, scores) -> None:
    assert CRITERIA[name].score(STATE) == pytest.approx(np.array(scores))


def test_every_criterion_is_told_and_the_default_comes_first() -> None:
    assert next(iter(CRITERIA)) == "magnitude"
    for criterion in CRITERIA.values():
        assert criterion.meaning and criterion.formula


def test_only_scores_that_are_squares_are_normalised() -> None:
    for criterion in CRITERIA.values():
        if criterion.normalised:
            assert (criterion.score(STATE) >= 0).all()
