"""Masks: one ranking of all layers, cut at a number or a size, in groups that go at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgedigits.stages.masks import (
    best_of_fours,
    group_shape,
    most_within,
    normalised,
    pooled,
    rank,
    spread,
    without_dead,
)

SCORES = hnp.arrays(np.float32, st.tuples(st.integers(1, 7), st.integers(1, 9)), elements=st.integers(0, 9))


@given(SCORES)
def test_a_normalised_score_is_its_share_of_those_that_are_not_lower(scores) -> None:
    flat = scores.ravel().astype(np.float64)
    result = normalised(scores).ravel()
    for order, place in enumerate(np.argsort(-flat, kind="stable")):
        not_lower = flat[np.argsort(-flat, kind="stable")[: order + 1]].sum()
        assert result[place] == pytest.approx(flat[place] / not_lower if not_lower else 0.0)


@pytest.mark.parametrize(
    ("granularity", "groups", "spread_again"),
    [
        ("weights", [[1, 0, 0, 0, 2, 0], [0, 0, 3, 0, 0, 0]], [[1, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0]]),
        ("blocks", [[1, 2], [3, 0]], [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]),
        ("neurons", [[1, 0, 3, 0, 2, 0]], [[1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0]]),
        ("inputs", [[3], [3]], [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]),
    ],
)
def test_what_goes_at_once_has_the_sum_of_its_scores(granularity, groups, spread_again) -> None:
    scores = np.array([[1, 0, 0, 0, 2, 0], [0, 0, 3, 0, 0, 0]], np.float32)
    assert pooled(scores, granularity).tolist() == groups
    assert group_shape(scores.shape, granularity) == np.shape(groups)
    assert spread(pooled(scores, granularity) > 0, scores.shape, granularity).tolist() == spread_again


@given(st.lists(SCORES, min_size=1, max_size=3), st.booleans(), st.integers(0, 200))
def test_the_first_of_a_ranking_are_the_best_of_those_alive(scores, normalise, count) -> None:
    alive = [score > 0 for score in scores]
    ranking = rank(scores, alive, normalise=normalise)
    assert len(ranking) == sum(int(on.sum()) for on in alive)
    count = min(count, len(ranking))
    kept = ranking.first(ranking.counts[:, count])
    assert sum(int(one.sum()) for one in kept) == count
    assert ranking.counts[:, count].tolist() == [int(one.sum()) for one in kept]
    for score, on, one in zip(scores, alive, kept, strict=True):
        assert not (one & ~on).any()
        gone = on & ~one
        if one.any() and gone.any():
            assert score[one].min() >= score[gone].max()


def test_what_is_spared_goes_last_and_is_counted() -> None:
    scores = [np.array([[5.0, 4.0]], np.float32), np.array([[0.1, 0.2, 0.0]], np.float32)]
    spared = [np.array([[False, False]]), np.ones((1, 3), bool)]
    ranking = rank(scores, [np.ones((1, 2), bool), np.ones((1, 3), bool)], normalise=True, spared=spared)
    assert (ranking.layers.tolist(), ranking.spared) == ([1, 1, 1, 0, 0], 3)
    assert ranking.among([np.array([[True, False]]), np.ones((1, 3), bool)]).spared == 3


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(0, 200))
def test_as_many_are_kept_as_the_size_allows(sizes, limit) -> None:
    scores = [np.arange(len(sizes), 0, -1, dtype=np.float32)[None, :]]
    ranking = rank(scores, [scores[0] > 0], normalise=False)
    totals = np.concatenate([[0], np.cumsum(sizes)])
    count = most_within(ranking, lambda counts: float(totals[counts[0]]), limit)
    assert totals[count] <= limit
    assert count == len(sizes) or totals[count + 1] > limit


@pytest.mark.parametrize("keep", [2, 3, 4])
def test_the_best_of_every_four_inputs_of_an_output_are_kept(keep) -> None:
    scores = np.random.default_rng(0).random((10, 5)).astype(np.float32)
    mask = best_of_fours(scores, keep)
    for first in (0, 4):
        for output in range(5):
            four = slice(first, first + 4), output
            assert mask[four].sum() == keep
            assert scores[four][mask[four] > 0].min() >= scores[four][mask[four] == 0].max(initial=-1)
    assert mask[8:].all()  # the remainder stays whole


def test_neurons_that_nothing_enters_or_leaves_lose_their_weights_all_along() -> None:
    first = np.array([[1, 1, 0], [0, 1, 0]], np.float32)
    second = np.array([[0, 0], [1, 0], [1, 1]], np.float32)
    third = np.array([[1, 1], [1, 1]], np.float32)
    # Neuron 0 of the first layer leads nowhere and neuron 2 comes from nowhere; so does then neuron 1 of the second.
    left = without_dead([first, second, third])
    assert left[0].tolist() == [[0, 1, 0], [0, 1, 0]]
    assert left[1].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert left[2].tolist() == [[1, 1], [0, 0]]
