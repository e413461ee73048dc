"""Bit fields of equal widths: by hand, with steps longer than a field, and their bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.fields import FIELDS


def stream_of(weights: NDArray[np.int8]) -> tuple[list[int], str]:
    """The two bytes of widths, and the bits of the stream, each field's highest bit first."""
    [codes] = FIELDS.pack(weights) or ()
    widths, stream = codes.values[:2].tolist(), codes.values[2 : codes.parts[0]]
    return widths, "".join(f"{byte:08b}" for byte in stream[::-1].tolist())[::-1]


def test_fields_by_hand() -> None:
    """A column is a count and as many entries: the step, above it the rank in the table of what there is."""
    weights = np.array([[0, 0], [-3, 0], [5, 0], [0, 0], [0, 0]], np.int8)
    widths, bits = stream_of(weights)
    assert widths == [2 | 1 << 4, 2], "two bits of step, one of rank, and two of a column's count"
    low_first = ["01", "100", "101", "00"]  # two entries: one row down to the first value, one row to the second
    assert bits.startswith("".join(low_first)) and set(bits[len("".join(low_first)) :]) <= {"0"}
    [codes] = FIELDS.pack(weights) or ()
    assert codes.values[codes.parts[0] :].view(np.int8).tolist() == [-3, 5]


def test_a_step_too_long_for_a_field_takes_another_entry_or_more() -> None:
    weights = np.zeros((600, 3), np.int8)
    weights[::2, 0] = np.resize([1, 2, 3, 4], 300)
    weights[[0, 40, 599], 1] = 1, 2, 3
    constants = FIELDS.pack(weights) or ()
    np.testing.assert_array_equal(FIELDS.unpack(constants, weights.shape), weights)
    # Steps of 2 in two bits: 3 leads on, and with the rank up to 12 rows at once. A count takes nine bits.
    entries = 300 + 1 + (4 + 1) + (47 + 1)
    assert constants[0].nbytes == 2 + -(-(4 * entries + 3 * 9) // 8) + 4


def test_weights_of_more_values_than_a_rank_can_tell_apart_have_no_fields() -> None:
    weights = np.arange(1, 35, dtype=np.int8).reshape(2, 17)
    assert FIELDS.pack(weights) is None
    assert FIELDS.pack(np.where(weights <= 32, weights, 0).astype(np.int8)) is not None


def test_a_layer_without_weights_holds_the_two_bytes_that_a_kernel_reads() -> None:
    """Its columns have counts of no bits: the kernel looks at what lies behind the widths."""
    nothing = np.zeros((3, 5), np.int8)
    packed = FIELDS.pack(nothing)
    assert packed is not None
    [codes] = packed
    assert codes.values.tolist() == [1, 0, 0, 0] and FIELDS.nbytes(nothing) == 4
    np.testing.assert_array_equal(FIELDS.unpack(packed, (3, 5)), nothing)
