"""Single rounding in integers is LiteRT's rounding in double precision, for every accumulator and not for most."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.model.fitting import LARGEST, SMALLEST, _at_least, _below, first_on_stair, fit_multiplier
from edgedigits.model.fixed_point import Rounding, quantize_multiplier, rescale
from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from tests.model.test_numpy_engine import assert_equal_to_oracle
from tests.tflite_builder import build_mlp

FACTORS = st.one_of(
    st.floats(2.0**-14, 4.0),
    # Sums times these end in halves: powers of two, and others of few bits.
    st.builds(lambda mantissa, power: mantissa * 2.0**-power, st.integers(1, 64), st.integers(0, 12)),
)
RANGE = 30_000


def away(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round halves away from zero."""
    return (np.sign(values) * np.floor(np.abs(values) + 0.5)).astype(np.int64)


@given(FACTORS, st.integers(-200, 200))
@example(0.5, 1)
@example(0.5, 0)
@example(0.5, -1)
@example(1.0, 3)
def test_a_stair_begins_where_rounding_reaches_it(factor: float, stair: int) -> None:
    first = int(first_on_stair(factor, np.array([stair]))[0])

    below, reached = away(np.array([first - 1, first]) * factor)
    assert below < stair <= reached


@given(st.integers(-(2**24), 2**24), st.integers(SMALLEST, LARGEST), st.integers(-3, 3))
@example(0, SMALLEST, 1)
@example(-1, LARGEST - 3, -3)
def test_bounds_of_the_multiplier_are_the_last_that_hold(accumulator: int, multiplier: int, beside: int) -> None:
    limit = accumulator * multiplier + beside
    for holds, (least, most), from_below in (
        (lambda m: accumulator * m >= limit, _at_least(limit, accumulator), accumulator > 0),
        (lambda m: accumulator * m < limit, _below(limit, accumulator), accumulator < 0),
    ):
        if accumulator == 0:
            assert (least, most) == (SMALLEST, LARGEST), "no multiplier changes a sum of 0"
            continue
        ends = (least, least - 1) if from_below else (most, most + 1)
        assert [holds(end) for end in ends] == [True, False]


@settings(max_examples=150, deadline=None)
@given(FACTORS, st.integers(-128, 127), st.integers(0, 128))
@example(0.125, -128, 0)
@example(1.0, -128, 0)
@example(0.5, 0, 3)
def test_the_fitted_multiplier_is_exact_for_every_accumulator(factor: float, offset: int, low: int) -> None:
    multiplier, shift = quantize_multiplier(factor, Rounding.LITERT)
    ends = low - 128 - offset, 127 - offset
    fitted = fit_multiplier(factor, multiplier, shift, (-RANGE, RANGE), ends)

    accumulators = np.arange(-RANGE, RANGE + 1)
    found = rescale(accumulators, np.array(fitted), np.array(shift), Rounding.LITERT)
    np.testing.assert_array_equal(np.clip(found, *ends), np.clip(away(accumulators * factor), *ends))
    assert SMALLEST <= fitted <= LARGEST and abs(fitted - multiplier) <= 1


def test_where_halves_end_sums_the_next_multiplier_is_taken_and_elsewhere_the_nearest() -> None:
    half, third = (quantize_multiplier(factor, Rounding.LITERT) for factor in (0.5, 1 / 3))

    assert fit_multiplier(0.5, *half, (-RANGE, RANGE), (-128, 127)) == half[0] + 1
    assert fit_multiplier(1 / 3, *third, (-RANGE, RANGE), (-128, 127)) == third[0]
    # Above zero both rules are one.
    assert fit_multiplier(0.5, *half, (0, RANGE), (-128, 127)) == half[0]
    assert fit_multiplier(0.5, *half, (-RANGE, RANGE), (0, 127)) == half[0]


def test_where_no_multiplier_will_do_the_nearest_is_kept() -> None:
    """31 bits are too few for sums near 2³¹."""
    factor = math.pi * 1e-8
    nearest = quantize_multiplier(factor, Rounding.LITERT)

    assert fit_multiplier(factor, *nearest, (-(2**31), 2**31 - 1), (-128, 127)) == nearest[0]


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("per_channel", [False, True])
def test_scales_that_are_powers_of_two_are_exact(per_channel: bool, rounding: Rounding) -> None:
    """Every eighth sum is a half then, and below zero the two rules differ."""
    random = np.random.default_rng(4)
    content = build_mlp(
        [random.integers(-9, 10, (300, 40)).astype(np.int8), random.integers(-3, 4, (50, 300)).astype(np.int8)],
        [random.integers(-90, 90, 300, dtype=np.int32), random.integers(-90, 90, 50, dtype=np.int32)],
        input_scale=0.5,
        input_zero_point=3,
        weight_scales=[np.full(count, 0.25) if per_channel else 0.25 for count in (300, 50)],
        activation_scales=[1.0, 2.0],
        activation_zero_points=[-5, 7],
        activations=["none", "none"],
        per_channel=per_channel,
    )

    assert_equal_to_oracle(content, rounding)
    multipliers = {int(layer.multiplier[0]) for layer in lower(read_tflite(content), rounding).layers}
    assert multipliers == {2**30 + (rounding is Rounding.LITERT)}
    assert all(layer.uniform for layer in lower(read_tflite(content), rounding).layers)
