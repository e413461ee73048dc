"""Chooses multipliers with which single rounding in integers gives what LiteRT's reference kernels give.

They compute round(acc · factor) in double precision, halves away from zero; the engine (acc · m + 2^(t−1)) >> t, which
rounds halves up and has 31 bits of the factor. Both are staircases of acc. They are the same function where each stair
begins at the same acc, and that is so for every m between two bounds: mostly for the nearest one, and where sums can
end in a half, as they do with factors that are powers of two, for the one above it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import MULTIPLIER_BITS

SMALLEST, LARGEST = 1 << (MULTIPLIER_BITS - 1), (1 << MULTIPLIER_BITS) - 1
# How far the beginning of a stair can be from where a division says that it is.
_NEAR = np.arange(-2, 3)


def fit_multiplier(
    factor: float, multiplier: int, shift: int, accumulators: tuple[int, int], results: tuple[int, int]
) -> int:
    """Return the multiplier nearest to `multiplier` that gives LiteRT's results for every accumulator.

    Args:
        factor: the real factor, above 0.
        multiplier: its first 31 bits, in [2³⁰, 2³¹).
        shift: its power of two: factor ≈ multiplier · 2^(shift − 31).
        accumulators: the least and the largest.
        results: the least and the largest that can be told apart behind the clamp, before the zero point is added.

    Returns:
        The multiplier, in [2³⁰, 2³¹); the given one where none will do.
    """
    least, most = SMALLEST, LARGEST
    for low, high in _bounds(factor, MULTIPLIER_BITS - shift, accumulators, results):
        least, most = max(least, low), min(most, high)
    return min(max(multiplier, least), most) if least <= most else multiplier


def _bounds(
    factor: float, total: int, accumulators: tuple[int, int], results: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the least and the largest multiplier by each accumulator that must be on a stair, or below one."""
    lowest, highest = accumulators
    stairs = np.arange(results[0] + 1, results[1] + 1)
    for stair, first in zip(stairs.tolist(), first_on_stair(factor, stairs).tolist(), strict=True):
        least = (stair << total) - (1 << (total - 1))
        if first <= highest:
            yield _at_least(least, max(first, lowest))
        if first > lowest:
            yield _below(least, min(first - 1, highest))


def first_on_stair(factor: float, stairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the least integer whose product with `factor` rounds to each of `stairs`, int64 (n,), or above."""
    edges = stairs - 0.5
    candidates = np.floor(edges / factor)[:, None] + _NEAR
    products = candidates * factor
    # Halves go away from zero: up above it, down below.
    reached = np.where(stairs[:, None] > 0, products >= edges[:, None], products > edges[:, None])
    return np.take_along_axis(candidates, reached.argmax(axis=1)[:, None], axis=1)[:, 0].astype(np.int64)


def _at_least(least: int, accumulator: int) -> tuple[int, int]:
    """Return which multipliers m keep accumulator · m at `least` or above it."""
    if accumulator > 0:
        return -(-least // accumulator), LARGEST
    return (SMALLEST, least // accumulator) if accumulator < 0 else (SMALLEST, LARGEST)


def _below(limit: int, accumulator: int) -> tuple[int, int]:
    """Return which multipliers m keep accumulator · m below `limit`."""
    if accumulator > 0:
        return SMALLEST, -(-limit // accumulator) - 1
    return (limit // accumulator + 1, LARGEST) if accumulator < 0 else (SMALLEST, LARGEST)
