"""The smallest encoding of sparse weights: one stream of bits, codes of gaps that adapt and ranks of common values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.encoding import OUTPUT_INSTRUCTIONS, Activity, Constant, Encoding, Visits, Weights
from edgedigits.model.weights.gap_codes import FRACTION, GapCodes, Integers, gap_codes, gaps_of

_HEAD = 1
"""Bytes before the stream."""
_LEAST_TABLE = 3
"""A kernel reads four bytes at once, so up to three behind the last code."""
_MOST_REST_BITS = 7
_WINDOW = 21
"""What is left of a gap and of a rank together has at most as many bits, so that a kernel has both at hand."""


class Stream(Encoding):
    """Gaps between weights, down one column after the other, each followed by the rank of the weight behind it.

    Ranks count different weights from the most frequent one. The stream ends with the gap behind the last weight; a
    table of the weights by rank follows.
    """

    name = "stream"
    rank = 11
    summary = "weights that are not zero in one bit stream: adaptive codes of gaps, ranks by frequency, and their table"
    code_bytes = 540
    kernel = "sparse_stream"
    template = "stream.c.j2"
    visits = Visits.BYTES
    for_size_alone = True

    def pack(self, weights: Weights) -> tuple[Constant, ...] | None:
        """Return "codes": uint8, a byte of parameters, the stream, its high bits first, and the table."""
        gaps, ranks = gap_codes(gaps_of(weights)), rank_codes(weights)
        if not _fit(gaps, ranks):
            return None
        rank_lengths = np.append(ranks.lengths, 0)
        ends = np.cumsum(gaps.lengths + rank_lengths)
        gap_ends = ends - rank_lengths
        bits = np.zeros(int(ends[-1]), np.uint8)
        _put_ones(bits, gap_ends - gaps.lengths, gaps.ones)
        _put_numbers(bits, gap_ends, gaps.rests, gaps.rest_bits)
        _put_numbers(bits, ends[:-1], ranks.codes, ranks.lengths)
        head = np.array([gaps.start_bits | ranks.rest_bits << 4 | ranks.prefixed << 7], np.uint8)
        codes = np.concatenate([head, np.packbits(bits), ranks.table.view(np.uint8)])
        return (Constant("codes", codes, parts=(len(codes) - len(ranks.table),)),)

    def nbytes(self, weights: Weights) -> int | None:
        """Return the bytes of what `pack` would give."""
        gaps, ranks = gap_codes(gaps_of(weights)), rank_codes(weights)
        if not _fit(gaps, ranks):
            return None
        return _HEAD + -(-int(gaps.lengths.sum() + ranks.lengths.sum()) // 8) + len(ranks.table)

    def unpack(self, constants: tuple[Constant, ...], shape: tuple[int, int]) -> Weights:
        """Return the weights (out, in) again."""
        codes, [table_at] = constants[0].values, constants[0].parts
        table = codes[table_at:].view(np.int8).tolist()
        reader = _Reader(codes.tobytes(), 8 * _HEAD)
        scale, rest_bits, prefixed = int(codes[0] & 15) * FRACTION, int(codes[0] >> 4 & 7), bool(codes[0] >> 7)
        flat = np.zeros(shape[0] * shape[1], np.int8)
        place = 0
        while True:
            while reader.take(1):
                place += 1 << scale // FRACTION
                scale += 1
            place += reader.take(scale // FRACTION)
            scale = max(scale - 1, 0)
            if place >= len(flat):
                return flat.reshape(shape[1], shape[0]).T
            is_rare = prefixed and reader.take(1)
            is_rarest = is_rare and reader.take(1)
            base = (is_rare << rest_bits) << is_rarest
            flat[place] = table[base + reader.take(rest_bits + is_rarest)]
            place += 1

    def instructions(self, weights: Weights, activity: Activity) -> float:
        """About 50 a weight and 7 for each one in the codes of gaps, whatever the inputs are."""
        outputs, inputs = weights.shape
        ones = int(gap_codes(gaps_of(weights)).ones.sum())
        return 100.0 + 4 * inputs + OUTPUT_INSTRUCTIONS * outputs + 50 * int(np.count_nonzero(weights)) + 7 * ones


@dataclass(frozen=True, slots=True, eq=False)
class RankCodes:
    """Ranks of weights that are not zero, in code: a few bits, or of three lengths, told apart by 0, 10 and 11 before.

    Attributes:
        table: int8, weights by rank, filled up to three.
        rest_bits: bits of a code behind what tells the length; in the longest there is one more.
        prefixed: codes are of three lengths.
        codes, lengths: int64 (n,), of each weight.
    """

    table: NDArray[np.int8]
    rest_bits: int
    prefixed: bool
    codes: Integers
    lengths: Integers


def _fit(gaps: GapCodes, ranks: RankCodes) -> bool:
    return int(gaps.rest_bits.max()) + ranks.rest_bits <= _WINDOW and gaps.start_bits < 16


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


def _put_ones(bits: NDArray[np.uint8], starts: Integers, counts: Integers) -> None:
    """Set `counts` (n,) bits from each of `starts` (n,)."""
    before = np.cumsum(counts) - counts
    bits[np.repeat(starts - before, counts) + np.arange(int(counts.sum()))] = 1


def _put_numbers(bits: NDArray[np.uint8], ends: Integers, numbers: Integers, widths: Integers) -> None:
    """Write `numbers` (n,) of `widths` (n,) bits before each of `ends` (n,), their high bits first."""
    for bit in range(int(widths.max(initial=0))):
        there = widths > bit
        bits[(ends - 1 - bit)[there]] = numbers[there] >> bit & 1


class _Reader:
    """Reads a stream of bits, the highest of a byte first."""

    def __init__(self, stream: bytes, place: int) -> None:
        self._stream, self._place = stream, place

    def take(self, count: int) -> int:
        """Return the number that the next `count` bits are, at most 25."""
        window = int.from_bytes(self._stream[self._place >> 3 : (self._place >> 3) + 4].ljust(4, b"\0"), "big")
        taken = window >> (32 - (self._place & 7) - count) & ((1 << count) - 1)
        self._place += count
        return taken


STREAM = Stream()
ENCODINGS = (STREAM,)
