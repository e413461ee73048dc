"""The fewest bytes within so many instructions: no other layout is smaller, and the engine is packed as training reckons."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.model.lowering import lower
from edgedigits.model.packing import FACTOR_BYTES, Goal, arrange, packed_within
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights.encoding import DIGITS, HIDDEN
from edgedigits.model.within import FASTEST, TRADED, smallest_within
from tests.tflite_builder import build_mlp


def some_weights(shapes, density, levels=8, seed=0):
    random = np.random.default_rng(seed)
    values = np.setdiff1d(np.linspace(-127, 127, levels + 1).round(), [0])
    return [(random.choice(values, shape) * (random.random(shape) < density)).astype(np.int8) for shape in shapes]


SHAPES = st.lists(st.integers(4, 40), min_size=2, max_size=3).map(
    lambda widths: list(itertools.pairwise([*widths, 10]))
)


@settings(max_examples=20, deadline=None)
@given(SHAPES, st.floats(0.05, 0.6), st.floats(0, 1), st.integers(0, 9))
def test_no_layout_within_the_instructions_is_smaller_and_where_none_is_the_fastest_is_taken(
    shapes, density, where, seed
):
    weights = some_weights([shape[::-1] for shape in shapes], density, seed=seed)
    activities = [HIDDEN if index else DIGITS for index in range(len(weights))]
    costs = [
        [(one.name, one.nbytes(layer), one.instructions(layer, activity), one.code_bytes) for one in TRADED]
        for layer, activity in zip(weights, activities, strict=True)
    ]
    every = []
    for some in itertools.product(*costs):
        if all(nbytes is not None for _, nbytes, *_ in some):
            code = sum({name: code for name, _, _, code in some}.values())
            every.append((sum(one[1] for one in some) + code, sum(one[2] for one in some)))
    slow, fast = max(one for _, one in every), min(one for _, one in every)
    for limit in (fast + where * (slow - fast), fast - 1):
        found = smallest_within(weights, activities, limit)
        fitting = [flash for flash, taken in every if taken <= limit]
        if fitting:
            assert found.instructions <= limit
            assert found.flash == min(fitting)
        else:
            assert found.instructions == pytest.approx(fast)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.1, 0.6), st.floats(0.3, 1), st.floats(0.3, 1), st.integers(0, 9))
def test_where_bytes_and_instructions_cannot_both_be_kept_the_nearest_to_both_is_taken(density, small, quick, seed):
    weights, activities = some_weights([(20, 60), (10, 20)], density, seed=seed), [DIGITS, HIDDEN]
    costs = [
        [(nbytes, one.instructions(layer, activity)) for one in TRADED if (nbytes := one.nbytes(layer)) is not None]
        for layer, activity in zip(weights, activities, strict=True)
    ]
    layouts = [(sum(one[0] for one in some), sum(one[1] for one in some)) for some in itertools.product(*costs)]
    nbytes, instructions = small * min(layouts)[0], quick * min(one for _, one in layouts)

    def beyond(taken):
        return max(taken[0] / nbytes, taken[1] / instructions)

    found = smallest_within(weights, activities, instructions, nbytes)
    assert beyond((found.nbytes, found.instructions)) <= min(map(beyond, layouts)) + 1e-9
    assert smallest_within(weights, activities, 10**6, 10**6) == smallest_within(weights, activities, 10**6)


@pytest.mark.parametrize("digits", [False, True])
@pytest.mark.parametrize("within", [FASTEST, 4000, 6000, 9000, 10**6])
def test_an_engine_is_packed_as_training_reckons(within, digits):
    """Of one hidden layer: places in two layers' lists may share a type that is wider than one of them needs.

    With digits, all of which are on nearly everywhere here, no layout is as fast as is expected without.
    """
    weights = some_weights([(60, 144), (10, 60)], 0.2)
    network = lower(read_tflite(build_mlp(weights, [None, None])))
    biases = [one.bias_from(one.input_low).astype(np.int32) for one in network.layers]
    values = [np.random.default_rng(1).integers(-140, 128, (50, 144)).clip(-128).astype(np.int8)] if digits else []
    _, packed = arrange(simplify(network), Goal.SIZE, within, *values)
    if digits:
        values.append(network.layers[0].run(values, network.rounding))
    active = [seen > layer.input_low for seen, layer in zip(values, network.layers, strict=False)]
    nbytes, instructions = packed_within(weights, biases, within, active=active)
    emitted = sum(one.nbytes + one.biases.nbytes for one in packed) + FACTOR_BYTES * len(packed)
    assert nbytes == emitted
    assert instructions == pytest.approx(sum(one.instructions for one in packed))
    assert instructions <= within or within == FASTEST or digits


@pytest.mark.slow
def test_more_instructions_never_take_more_flash():
    weights = some_weights([(60, 144), (10, 60)], 0.2)
    layouts = [smallest_within(weights, [DIGITS, HIDDEN], within) for within in range(2000, 60_000, 1000)]
    fitting = [
        one for one, within in zip(layouts, range(2000, 60_000, 1000), strict=True) if one.instructions <= within
    ]
    assert len({one.encodings for one in fitting}) >= 4
    assert [one.flash for one in fitting] == sorted((one.flash for one in fitting), reverse=True)


def test_deep_networks_have_one_encoding_for_all():
    weights = some_weights([(10, 12)] + [(10, 10)] * 6, 0.5)
    assert len(set(smallest_within(weights, [HIDDEN] * 7, 10**6).encodings)) == 1
