"""Multipliers and roundings, held against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.model.fixed_point import INT32_MAX, Rounding, divide_by_power, quantize_multiplier, rescale

INT32 = st.integers(-(2**31) + 1, 2**31 - 1)
MULTIPLIERS = st.one_of(st.just(0), st.integers(2**30, 2**31 - 1))


@given(st.floats(2.0**-31, 2.0**29))
def test_a_multiplier_is_the_factor_to_31_bits(real: float) -> None:
    multiplier, shift = quantize_multiplier(real, Rounding.LITERT)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) / Fraction(real) - 1) <= Fraction(1, 2**31)


@pytest.mark.parametrize("real", [0.0, 4e-12, 2.0**-33])
def test_what_is_too_small_becomes_zero(real: float) -> None:
    assert quantize_multiplier(real, Rounding.LITERT) == quantize_multiplier(real, Rounding.TFLM) == (0, 0)


def test_a_fraction_that_rounds_up_to_one_moves_to_the_next_power() -> None:
    assert quantize_multiplier(1.0 - 2.0**-40, Rounding.TFLM) == (2**30, 1)


def test_single_rounding_saturates_large_factors() -> None:
    assert quantize_multiplier(2.0**40, Rounding.LITERT) == (INT32_MAX, 30)


@given(INT32, MULTIPLIERS, st.integers(-31, 30))
def test_single_rounding_rounds_halves_up(acc: int, multiplier: int, shift: int) -> None:
    found = rescale(np.array([acc]), np.array([multiplier]), np.array([shift]), Rounding.LITERT)
    exact = Fraction(acc) * multiplier * Fraction(2) ** (shift - 31)
    assert found[0] == floor(exact + Fraction(1, 2))


@given(INT32, MULTIPLIERS, st.integers(-31, 0))
def test_double_rounding_rounds_twice(acc: int, multiplier: int, shift: int) -> None:
    found = rescale(np.array([acc]), np.array([multiplier]), np.array([shift]), Rounding.TFLM)
    high = floor(Fraction(acc * multiplier, 2**31) + Fraction(1, 2))
    exact = Fraction(high, 2**-shift)
    away = floor(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
    assert found[0] == away
    assert abs(found[0] - rescale(np.array([acc]), np.array([multiplier]), np.array([shift]), Rounding.LITERT)[0]) <= 1


def test_division_by_one_changes_nothing() -> None:
    values = np.array([-5, 0, 5])
    np.testing.assert_array_equal(divide_by_power(values, 0), values)
