"""Codes for the gaps between weights that are not zero, whose parameter follows the gaps by itself.

A gap is coded in steps of 2^k: a one for each whole step, a zero, and what is left in k bits, as R. F. Rice's codes do
("Some Practical Universal Noiseless Coding Techniques", JPL 1979). But k is a quarter of a scale that grows by one at
each one, also within a code, and shrinks by one at each zero. So it follows the density of the weights, which in a
layer that reads images differs by pixel, and a long gap over background takes bits like its logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

FRACTION = 4
"""Steps of the scale to a bit: measured on trained layers, as the pace of one up and one down was."""
_SCALES = 22 * FRACTION
# For each scale how far ones lead that go up to it from 0.
_REACH = np.concatenate([[0], np.cumsum(np.int64(1) << np.arange(_SCALES + 1) // FRACTION)])

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GapCodes:
    """Gaps in code.

    Attributes:
        ones, rests, rest_bits: int64 (n,), for each gap the ones, what is left, and in how many bits behind the zero.
    """

    ones: Integers
    rests: Integers
    rest_bits: Integers

    @property
    def lengths(self) -> Integers:
        """Bits of each code, int64 (n,)."""
        return self.ones + 1 + self.rest_bits


def gaps_of(weights: NDArray[np.int8]) -> Integers:
    """Return the gaps, int64 (weights that are not 0, + 1), in weights (out, in), down one column after the other.

    The last one is that behind the last weight.
    """
    flat = weights.T.reshape(-1)
    places = np.flatnonzero(flat)
    return np.diff(places, prepend=-1, append=len(flat)) - 1


def start_for(gaps: Integers) -> int:
    """Return the k to begin with: what suits the gap in the middle of `gaps` (n,)."""
    return int(np.median(gaps) + 1).bit_length() - 1 if len(gaps) else 0


def gap_codes(gaps: Integers, start_bits: int) -> GapCodes:
    """Return the codes of `gaps` (n,), each below 2²³, of which the first has k = `start_bits`."""
    different = np.flatnonzero(np.bincount(gaps))
    which = np.searchsorted(different, gaps)
    ends = np.searchsorted(_REACH, different[:, None] + _REACH[:_SCALES], side="right") - 1
    after = [row.tolist() for row in np.maximum(ends - 1, 0)]
    path = accumulate(which.tolist(), lambda scale, gap: after[gap][scale], initial=start_bits * FRACTION)
    scales = np.fromiter(path, np.int64, len(gaps) + 1)[:-1]
    ends = ends[which, scales]
    return GapCodes(ends - scales, gaps - (_REACH[ends] - _REACH[scales]), ends // FRACTION)
