"""Streams of bits that hold weights: the code of the gap before each and that of its rank, high bits first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.gap_codes import FRACTION, GapCodes, Integers
from edgedigits.model.weights.rank_codes import RankCodes

_WINDOW = 21
"""What is left of a gap and of a rank together has at most as many bits, so that a kernel has both at hand."""
_MOST_START_BITS = 15


def fit(start_bits: int, gaps: GapCodes, ranks: RankCodes) -> bool:
    """Tell whether a kernel can read such codes."""
    return int(gaps.rest_bits.max(initial=0)) + ranks.rest_bits <= _WINDOW and start_bits <= _MOST_START_BITS


def head(start_bits: int, ranks: RankCodes) -> NDArray[np.uint8]:
    """Return the byte of parameters that lies before a stream."""
    return np.array([start_bits | ranks.rest_bits << 4 | ranks.prefixed << 7], np.uint8)


def entry_bits(gaps: GapCodes, codes: Integers, lengths: Integers) -> NDArray[np.uint8]:
    """Return the bits, 0 or 1 each, of gaps (n,) with codes of ranks of `lengths` (n,) behind them."""
    ends = np.cumsum(gaps.lengths + lengths)
    gap_ends = ends - lengths
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    _put_ones(bits, gap_ends - gaps.lengths, gaps.ones)
    _put_numbers(bits, gap_ends, gaps.rests, gaps.rest_bits)
    _put_numbers(bits, ends, codes, lengths)
    return bits


def _put_ones(bits: NDArray[np.uint8], starts: Integers, counts: Integers) -> None:
    """Set `counts` (n,) bits from each of `starts` (n,)."""
    before = np.cumsum(counts) - counts
    bits[np.repeat(starts - before, counts) + np.arange(int(counts.sum()))] = 1


def _put_numbers(bits: NDArray[np.uint8], ends: Integers, numbers: Integers, widths: Integers) -> None:
    """Write `numbers` (n,) of `widths` (n,) bits before each of `ends` (n,), their high bits first."""
    for bit in range(int(widths.max(initial=0))):
        there = widths > bit
        bits[(ends - 1 - bit)[there]] = numbers[there] >> bit & 1


class EntryReader:
    """Reads a stream: `codes` with a byte of parameters before and a table of weights behind it."""

    def __init__(self, codes: NDArray[np.uint8], table_at: int) -> None:
        self._stream, self._table = codes.tobytes(), codes[table_at:].view(np.int8).tolist()
        parameters = self._stream[0]
        self._start, self._rest_bits, self._prefixed = parameters & 15, parameters >> 4 & 7, bool(parameters >> 7)
        self.begin(8)

    def begin(self, place: int) -> None:
        """Go to a bit, where gaps are coded as at first."""
        self._place, self._scale = place, self._start * FRACTION

    def gap(self, end: int | None = None) -> int | None:
        """Return the next gap; None where there is none before the bit `end`."""
        gap = 0
        while (end is None or self._place < end) and self._take(1):
            gap += 1 << self._scale // FRACTION
            self._scale += 1
        if end is not None and self._place >= end:
            return None
        gap += self._take(self._scale // FRACTION)
        self._scale = max(self._scale - 1, 0)
        return gap

    def weight(self) -> int:
        """Return the weight behind a gap."""
        is_rare = self._prefixed and self._take(1)
        is_rarest = is_rare and self._take(1)
        base = (is_rare << self._rest_bits) << is_rarest
        return int(self._table[base + self._take(self._rest_bits + is_rarest)])

    def _take(self, count: int) -> int:
        """Return the number that the next bits are, at most 25."""
        byte = self._place >> 3
        window = int.from_bytes(self._stream[byte : byte + 4].ljust(4, b"\0"), "big")
        self._place += count
        return window >> (32 - (self._place - count & 7) - count) & ((1 << count) - 1)
