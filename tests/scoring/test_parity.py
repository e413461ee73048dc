"""Comparing runtimes is counting bytes."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.scoring.parity import BASELINE, compare


def test_equal_outputs_differ_nowhere() -> None:
    outputs = np.arange(30, dtype=np.int8).reshape(3, 10)
    (row,) = compare({BASELINE: outputs, "tflm": outputs.copy()})

    assert (row.runtime, row.baseline) == ("tflm", BASELINE)
    assert (row.differing_bytes, row.bytes, row.max_lsb) == (0, 30, 0)
    assert (row.changed_classes, row.images) == (0, 3)


def test_differences_are_counted_and_the_largest_is_told() -> None:
    base = np.zeros((2, 10), np.int8)
    base[:, 4] = 9
    other = base.copy()
    other[0, 7] = 10
    other[1, 0] = -3
    (row,) = compare({BASELINE: base, "tflm": other})

    assert (row.differing_bytes, row.max_lsb, row.changed_classes) == (2, 10, 1)


def test_the_whole_range_of_a_byte_does_not_overflow() -> None:
    low, high = np.full((1, 10), -128, np.int8), np.full((1, 10), 127, np.int8)
    (row,) = compare({BASELINE: low, "other": high})

    assert row.max_lsb == 255


def test_a_tie_is_decided_alike_on_both_sides() -> None:
    """5 and 5 at classes 2 and 6 is a 2; one step more for class 6 makes it a 6."""
    base = np.zeros((1, 10), np.int8)
    base[0, [2, 6]] = 5
    other = base.copy()
    other[0, 6] = 6
    rows = compare({BASELINE: base, "same": base, "other": other})

    assert [row.changed_classes for row in rows] == [0, 1]


def test_outputs_of_other_types_or_counts_are_not_compared() -> None:
    base = np.zeros((2, 10), np.int8)

    with pytest.raises(ValueError, match="uint8"):
        compare({BASELINE: base, "other": base.astype(np.uint8)})
    with pytest.raises(ValueError, match=r"\(1, 10\)"):
        compare({BASELINE: base, "other": base[:1]})
