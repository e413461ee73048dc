"""Codes for the values of weights: their ranks by frequency, so that common ones take fewer bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.encoding import Weights
from edgedigits.model.weights.gap_codes import Integers

_LEAST_TABLE = 4
"""A kernel reads four bytes at once, of which all may lie behind the last code: the table follows there."""
_MOST_REST_BITS = 7


@dataclass(frozen=True, slots=True, eq=False)
class RankCodes:
    """Ranks of weights that are not zero, in code: a few bits, or of three lengths, told apart by 0, 10 and 11 before.

    Attributes:
        table: int8, weights by rank, filled up to four.
        rest_bits: bits of a code behind what tells the length; in the longest there is one more.
        prefixed: codes are of three lengths.
        codes, lengths: int64 (n,), of each weight.
    """

    table: NDArray[np.int8]
    rest_bits: int
    prefixed: bool
    codes: Integers
    lengths: Integers


def rank_codes(weights: Weights) -> RankCodes:
    """Return the shortest codes for weights (out, in), down one column after the other."""
    flat = weights.T.reshape(-1)
    values = flat[flat != 0].astype(np.int64) + 128
    counts = np.bincount(values, minlength=256)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    table = np.zeros(max(len(order), _LEAST_TABLE), np.int8)
    table[: len(order)] = order - 128
    ways = [_prefixed_codes(len(order), bits) for bits in range(_MOST_REST_BITS) if 4 << bits >= len(order)]
    if len(order) <= 1 << _MOST_REST_BITS:
        ways.insert(0, _flat_codes(len(order)))
    rest_bits, prefixed, codes, lengths = min(ways, key=lambda way: int((counts[order] * way[3]).sum()))
    rank_of = np.zeros(256, np.int64)
    rank_of[order] = np.arange(len(order))
    ranks = rank_of[values]
    return RankCodes(table, rest_bits, prefixed, codes[ranks], lengths[ranks])


_Way = tuple[int, bool, Integers, Integers]


def _flat_codes(count: int) -> _Way:
    """Return bits, whether prefixed, codes and their lengths (count,) of ranks that all take as many bits."""
    rest_bits = max(count - 1, 0).bit_length()
    return rest_bits, False, np.arange(count), np.full(count, rest_bits)


def _prefixed_codes(count: int, rest_bits: int) -> _Way:
    """Return the same for ranks of three lengths."""
    ranks = np.arange(count)
    kind = np.minimum(ranks >> rest_bits, 2)
    codes = np.choose(kind, [ranks, (1 << rest_bits) + ranks, (4 << rest_bits) + ranks])
    return rest_bits, True, codes, rest_bits + kind + 1
