"""The bit stream: its codes by hand, its bytes without making it, and the bytes that a training to a budget counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.ordering import by_reading
from edgedigits.model.packing import FACTOR_BYTES, Goal, arrange, packed_bytes, use, with_narrow_biases
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights.biases import narrowest
from edgedigits.model.weights.fields import FIELDS
from edgedigits.model.weights.gap_codes import gap_codes, gaps_of, start_for
from edgedigits.model.weights.rank_codes import rank_codes
from edgedigits.model.weights.stream import STREAM
from tests.tflite_builder import build_mlp


def stream_bits(weights: NDArray[np.int8]) -> str:
    """The bits of a stream behind its parameters and before its table."""
    [codes] = STREAM.pack(weights) or ()
    return "".join(f"{byte:08b}" for byte in codes.values[1 : codes.parts[0]])


def test_a_stream_by_hand() -> None:
    """Down the columns 0 0 5 5 | 0 -3 5 5: gaps 2 0 1 0 0, and 0 behind the last; ranks 0 0 1 0 0, of one bit."""
    weights = np.array([[0, 0], [0, -3], [5, 5], [5, 5]], np.int8)
    np.testing.assert_array_equal(gaps_of(weights), [2, 0, 1, 0, 0, 0])
    # All gaps by ones alone, since the scale stays below a whole bit.
    assert stream_bits(weights) == "1100" + "00" + "101" + "00" + "00" + "0" + "00"
    [codes] = STREAM.pack(weights) or ()
    assert codes.values[0] == 0 | 1 << 4, "no bits of a gap at first, one of a rank"
    assert codes.values[codes.parts[0] :].view(np.int8).tolist() == [5, -3, 0, 0]


def test_a_gap_over_background_takes_bits_like_its_logarithm() -> None:
    weights = np.zeros((200, 500), np.int8)
    weights[::3, 250] = 7
    gaps = gaps_of(weights)
    codes = gap_codes(gaps, start_for(gaps))
    assert codes.lengths[0] < 70 and codes.lengths[50:60].max() <= 4, "50,000 zeros, then gaps of two"


def test_frequent_values_have_short_codes_unless_all_are_as_frequent() -> None:
    values = np.repeat(np.arange(1, 9, dtype=np.int8), [80, 60, 30, 20, 4, 3, 2, 1]).reshape(2, 100)
    lengths = dict(zip(values.T.reshape(-1).tolist(), rank_codes(values).lengths.tolist(), strict=True))
    assert lengths == {1: 2, 2: 2, 3: 3, 4: 3, 5: 4, 6: 4, 7: 4, 8: 4}
    assert set(rank_codes(np.tile(np.arange(1, 9, dtype=np.int8), (2, 9))).lengths) == {3}
    assert set(rank_codes(np.full((3, 3), 5, np.int8)).lengths) == {0}, "binary weights need none"


@given(shift=st.integers(0, 20), values=st.lists(st.integers(-(2**11), 2**11 - 1), min_size=1))
def test_biases_take_the_fewest_bits_that_hold_them_exactly(shift: int, values: list[int]) -> None:
    biases = np.array(values, np.int32) << shift
    stored = narrowest(biases)

    fields = np.unpackbits(stored.values.view(np.uint8), bitorder="little")[: len(values) * stored.bits]
    numbers = fields.reshape(len(values), stored.bits).astype(np.int64) @ (1 << np.arange(stored.bits))
    signed = np.where(numbers >> (stored.bits - 1), numbers - (1 << stored.bits), numbers)
    np.testing.assert_array_equal(signed << stored.shift, biases)
    largest = max(abs(value + (value < 0)) for value in (biases >> stored.shift).tolist())
    assert stored.bits == largest.bit_length() + 1 or largest == 0
    assert stored.nbytes == -(-len(values) * stored.bits // 8)


def test_biases_of_more_than_24_bits_stay_as_they_are() -> None:
    biases = np.array([2**31 - 1, -(2**31), 1], np.int32)
    assert narrowest(biases).values.tolist() == biases.tolist() and not narrowest(biases).is_narrow
    assert narrowest(biases[:2] & -256).bits == 24
    assert narrowest(np.zeros(9, np.int32)).nbytes == 2


def pruned(seed: int, sizes: tuple[int, ...], density: float, levels: int, shift: int) -> tuple[list, list]:  # type: ignore[type-arg]
    """Weights of few values, some neurons unread and some without weights, and biases of which low bits are 0."""
    random = np.random.default_rng(seed)
    weights, biases = [], []
    for inputs, outputs in pairwise(sizes):
        values = random.choice(np.delete(np.arange(-127, 100), 127), levels - 1, replace=False)
        kernel = random.choice(values, (outputs, inputs)) * (random.random((outputs, inputs)) < density)
        # No other neuron is to be constant.
        kernel[np.arange(outputs), random.integers(inputs // 8, inputs, outputs)] = 100
        kernel[:, : inputs // 8] = 0
        kernel[0] = 0
        weights.append(kernel.astype(np.int8))
        # A neuron without weights that gives its lowest value.
        biases.append((random.integers(-100, 100, outputs) << shift).astype(np.int32))
        biases[-1][0] = -(1 << shift)
    return weights, biases


@pytest.mark.parametrize(
    ("sizes", "density", "levels", "shift"),
    [
        ((100, 20, 10), 0.2, 8, 5),
        ((144, 60, 10), 0.1, 16, 6),
        ((484, 80, 30, 10), 0.05, 8, 4),
        ((144, 60, 10), 0.1, 2, 5),
    ],
)
def test_packed_bytes_are_those_of_the_engine(sizes: tuple[int, ...], density: float, levels: int, shift: int) -> None:
    weights, biases = pruned(3, sizes, density, levels, shift)
    network = by_reading(simplify(lower(read_tflite(build_mlp(weights, biases, input_zero_point=-128)))))
    packed = with_narrow_biases(use(network, ["stream"] * len(weights)))
    source = render_engine(network, packed)

    emitted = sum(one.nbytes + one.biases.nbytes for one in packed)
    assert emitted == source.weight_bytes + source.bias_bytes
    assert packed_bytes(weights, biases) == emitted + FACTOR_BYTES * len(packed)


def test_a_budget_of_bytes_is_kept_by_streams_where_less_code_would_take_more_of_them() -> None:
    weights, biases = pruned(3, (60, 12, 10), 0.2, 8, 5)
    network = simplify(lower(read_tflite(build_mlp(weights, biases, input_zero_point=-128))))
    limit = packed_bytes(weights, biases)
    for constants, names in ((0, {"marked"}), (limit, {"stream"})):
        _, packed = arrange(network, Goal.SIZE, constants=constants)
        assert {one.encoding.name for one in packed} == names
    assert sum(one.nbytes + one.biases.nbytes + FACTOR_BYTES for one in packed) == limit


def test_packed_bytes_of_fields_are_those_of_an_engine_of_fields() -> None:
    weights, biases = pruned(4, (144, 60, 10), 0.1, 8, 6)
    network = by_reading(simplify(lower(read_tflite(build_mlp(weights, biases, input_zero_point=-128)))))
    packed = with_narrow_biases(use(network, ["fields", "fields"]))
    emitted = sum(one.nbytes + one.biases.nbytes for one in packed)
    assert packed_bytes(weights, biases, FIELDS) == emitted + FACTOR_BYTES * len(packed)


def test_packed_bytes_know_nothing_of_how_large_weights_are() -> None:
    weights, biases = pruned(5, (100, 20, 10), 0.2, 8, 5)
    renamed = [np.where(one == 0, 0, -one).astype(np.int8) for one in weights]
    assert packed_bytes(weights, biases) == packed_bytes(renamed, biases)
