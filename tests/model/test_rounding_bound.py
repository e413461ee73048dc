"""How far apart two roundings can be, and that no model ever goes beyond it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.model.rounding_bound import rounding_bound
from tests.tflite_builder import random_mlp


def networks(seed: int, sizes: tuple[int, ...]):
    graph = read_tflite(random_mlp(seed, sizes=sizes))
    return [lower(graph, rounding) for rounding in (Rounding.LITERT, Rounding.TFLM)]


def test_one_layer_differs_by_one_step_at_most() -> None:
    assert rounding_bound(networks(0, (784, 10))[0]) == 1


def test_further_layers_carry_the_difference_on() -> None:
    assert rounding_bound(networks(0, (784, 16, 10))[0]) > 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.integers(1, 40), min_size=2, max_size=4))
def test_the_two_roundings_stay_within_it(seed: int, sizes: list[int]) -> None:
    single, double = networks(seed, tuple(sizes))
    inputs = np.random.default_rng(seed).integers(-128, 128, (200, sizes[0])).astype(np.int8)
    apart = np.abs(run(single, inputs).astype(int) - run(double, inputs))
    assert apart.max() <= rounding_bound(single) == pytest.approx(rounding_bound(double))
