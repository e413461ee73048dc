"""Refusing by lead: the rule, the margin that is chosen for a wish, and the curve over all margins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.stats import binom

from edgedigits.build_folder import LEAST_MARGIN, MOST_MARGIN
from edgedigits.scoring.reject import (
    choose_margin,
    decide,
    decisions,
    error_bounds,
    is_refused,
    leads,
    risk_curve,
)

Scored = tuple[NDArray[np.int8], NDArray[np.uint8]]
WISHES = st.floats(0.001, 0.5)


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    """Int8 scores of images and their classes; with few values there are ties, and leads that several share."""
    count, spread = draw(st.integers(1, 60)), draw(st.sampled_from([2, 12, 127]))
    scores = draw(arrays.arrays(np.int8, (count, 10), elements=st.integers(-spread - 1, spread)))
    labels = draw(arrays.arrays(np.uint8, count, elements=st.integers(0, 9)))
    # Every second image is right, as most are in life.
    labels[::2] = scores[::2].argmax(axis=1)
    return scores, labels


def counted(scores: NDArray[np.int8], labels: NDArray[np.uint8], margin: int) -> tuple[int, int]:
    """How many are accepted with a margin, and how many of those are wrong: image by image, as the rule is worded."""
    accepted = wrong = 0
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        best = row.index(max(row))
        second = max(row[:best] + row[best + 1 :])
        if row[best] - second >= margin:
            accepted, wrong = accepted + 1, wrong + (best != label)
    return accepted, wrong


@given(scored(), st.integers(0, MOST_MARGIN))
def test_what_leads_by_less_than_the_margin_is_refused_and_nothing_else(data: Scored, margin: int) -> None:
    scores, labels = data
    accepted, wrong = counted(scores, labels, margin)

    found = decisions(scores, labels, margin)

    assert (found.images, found.accepted, found.wrong) == (len(labels), accepted, wrong)
    assert (found.coverage, found.error) == (accepted / len(labels), wrong / max(1, accepted))
    refused = is_refused(scores, margin)
    np.testing.assert_array_equal(decide(scores, margin), np.where(refused, 10, scores.argmax(axis=1)))
    assert refused.sum() == found.refused


def test_a_tie_is_refused_by_the_least_margin_and_taken_without_one() -> None:
    scores = np.array([[5, 5, 0], [6, 5, 0], [-128, 127, -128]], np.int8)

    assert leads(scores).tolist() == [0, 1, 255]
    assert decide(scores, 0).tolist() == [0, 0, 1]
    assert decide(scores, LEAST_MARGIN).tolist() == [3, 0, 1]
    assert decide(scores, MOST_MARGIN).tolist() == [3, 3, 1]


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_the_limit_is_the_error_at_which_so_few_wrong_ones_come_once_in_twenty(counts: tuple[int, int]) -> None:
    accepted, wrong = counts
    (bound,) = error_bounds(np.array([accepted]), np.array([wrong]))

    if wrong == accepted:
        assert bound == 1
    else:
        assert wrong / accepted < bound <= 1
        assert binom.cdf(wrong, accepted, bound) == pytest.approx(0.05)


def test_nothing_accepted_promises_nothing() -> None:
    assert error_bounds(np.array([0]), np.array([0])).tolist() == [1]


@settings(max_examples=30)
@given(scored(), WISHES)
def test_the_margin_is_the_least_that_keeps_the_wish(data: Scored, wish: float) -> None:
    margins = range(LEAST_MARGIN, MOST_MARGIN + 1)
    counts = np.array([counted(*data, margin) for margin in margins])
    limits = dict(zip(margins, error_bounds(*counts.T).tolist(), strict=True))

    chosen = choose_margin(*data, wish)

    keeping = [margin for margin, limit in limits.items() if limit <= wish]
    assert chosen.is_met == bool(keeping)
    assert chosen.bound == limits[chosen.steps]
    expected = min(keeping) if keeping else min(limits, key=lambda margin: (limits[margin], margin))
    assert chosen.steps == expected


@given(scored(), WISHES, WISHES)
def test_a_stricter_wish_never_accepts_more(data: Scored, one: float, other: float) -> None:
    strict, lax = (choose_margin(*data, wish) for wish in sorted((one, other)))
    if strict.is_met:
        assert lax.is_met and lax.steps <= strict.steps
        assert decisions(*data, lax.steps).coverage >= decisions(*data, strict.steps).coverage


@given(scored())
def test_the_curve_has_every_margin_that_refuses_more_than_the_one_before(data: Scored) -> None:
    curve = risk_curve(*data)

    points = zip(curve.margins, curve.accepted, curve.wrong, strict=True)
    assert {margin: (accepted, wrong) for margin, accepted, wrong in points} == {
        margin: counted(*data, margin) for margin in sorted({*leads(data[0]).tolist()})
    }
    assert curve.images == curve.accepted[0] == len(data[1])
    assert list(curve.accepted) == sorted({*curve.accepted}, reverse=True)
